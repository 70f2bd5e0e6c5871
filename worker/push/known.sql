-- What is known of contacts, by in_flight_id, once their ids are reserved: their own keys since they are in flight, the others by `reserve`, a
-- transaction ago. Whoever shares one has written that down before looking here, too, so that of two at least one sees the other.
-- `ids`: each contact's own key, whether or not its document bears it, and what else that bears. `nameless`: in_flight_ids whose own key
-- is no id on the wire now, as a document bears another, waits, or is not there.
-- `digest` and `outbox_id`: the last document accepted for the contact itself; no digest if that was at another address of
-- the API. `newest_id`: the highest outbox id accepted under any of its ids on the wire, whosever key that was. `is_overtaken`: another
-- contact's was accepted under one of them since the batch was taken, so that it may have been read later than ours. `is_shared`:
-- another contact's document bears one of them. `is_elsewhere`: another contact in flight does.
WITH ids AS (
    SELECT w.*, w.kind = w.identity AND w.wire_id = w.key AS is_own
    FROM json_to_recordset(CAST(:ids AS json)) AS w (
        in_flight_id bigint, identity ringostat_sync.identity, key text, kind ringostat_sync.identity, wire_id text, is_in_document boolean
    )
)
SELECT
    i.in_flight_id,
    (array_agg(k.digest) FILTER (WHERE k.digest IS NOT NULL))[1] AS digest,
    max(k.outbox_id) FILTER (WHERE k.is_self) AS outbox_id,
    max(k.outbox_id) FILTER (WHERE k.is_in_document) AS newest_id,
    bool_or(k.accepted_at >= :leased_at) FILTER (WHERE k.is_in_document AND NOT k.is_self) AS is_overtaken,
    count(*) FILTER (WHERE k.is_in_document AND NOT k.is_self) > 0 AS is_shared,
    bool_or(k.is_elsewhere) AS is_elsewhere
FROM ids AS i
CROSS JOIN LATERAL (
    SELECT
        CASE WHEN i.is_own AND d.address = :address THEN d.digest END AS digest, d.outbox_id, d.accepted_at, i.is_own AS is_self,
        i.is_in_document AND CASE i.kind WHEN 'externalId' THEN d.other_external_id ELSE d.other_lead_id END IS NULL AS is_in_document,
        false AS is_elsewhere
    FROM ringostat_sync.deliveries AS d
    WHERE d.project = :project AND d.method = :method AND d.identity = i.kind AND d.key = i.wire_id
    UNION ALL
    SELECT NULL, d.outbox_id, d.accepted_at, d.identity = i.identity AND d.key = i.key, i.is_in_document, false
    FROM ringostat_sync.deliveries AS d
    WHERE i.kind = 'externalId' AND d.project = :project AND d.method = :method AND d.other_external_id = i.wire_id
    UNION ALL
    SELECT NULL, d.outbox_id, d.accepted_at, d.identity = i.identity AND d.key = i.key, i.is_in_document, false
    FROM ringostat_sync.deliveries AS d
    WHERE i.kind = 'leadId' AND d.project = :project AND d.method = :method AND d.other_lead_id = i.wire_id
    UNION ALL
    SELECT NULL, NULL, NULL, false, false, true
    FROM ringostat_sync.reserved_ids AS h
    WHERE i.is_own AND i.is_in_document
        AND h.project = :project AND h.method = :method AND h.kind = i.kind AND h.wire_id = i.wire_id AND h.in_flight_id <> i.in_flight_id
    UNION ALL
    SELECT NULL, NULL, NULL, false, false, true
    FROM ringostat_sync.in_flight AS f
    WHERE NOT i.is_own
        AND f.project = :project AND f.method = :method AND f.identity = i.kind AND f.key = i.wire_id
        AND f.in_flight_id <> i.in_flight_id AND f.in_flight_id <> ALL(CAST(:nameless AS bigint[]))
) AS k
GROUP BY i.in_flight_id
