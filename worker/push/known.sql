-- What is known of contacts, by place, once their ids are held: their own keys since they are in flight, the others by `hold`, a
-- transaction ago. Whoever shares one has written that down before looking here, too, so that of two at least one sees the other.
-- `nameless`: places whose own key is no id on the wire, as a document bears another, or as there is none.
-- `digest` and `outbox_id`: the last document accepted for the contact itself; no digest where that was before `since`, by another
-- API. `newest_id`: the highest outbox id accepted under
-- any of its ids on the wire, whosever key that was. `is_overtaken`: another contact's was accepted under one of them since the
-- batch was taken, so that it may have been read later than ours. `is_shared`: another contact's document bears one of them.
-- `is_elsewhere`: another contact in flight does. The sub-selects are no joins, so that each contact is looked up.
SELECT f.place, own.digest, own.outbox_id, shared.newest_id, shared.is_overtaken, shared.is_shared, elsewhere.is_elsewhere
FROM ringostat_sync.in_flight AS f
LEFT JOIN LATERAL (
    SELECT CASE WHEN d.accepted_at >= :since THEN d.digest END AS digest, d.outbox_id
    FROM ringostat_sync.deliveries AS d
    WHERE d.project = f.project AND d.method = f.method AND d.identity = f.identity AND d.key = f.key
    OFFSET 0
) AS own ON true
CROSS JOIN LATERAL (
    SELECT
        max(d.outbox_id) AS newest_id,
        bool_or(d.accepted_at >= :taken_at AND (d.identity, d.key) <> (f.identity, f.key)) AS is_overtaken,
        bool_or((d.identity, d.key) <> (f.identity, f.key)) AS is_shared
    FROM (
        SELECT f.identity AS kind, f.key AS wire_id WHERE f.place <> ALL(CAST(:nameless AS bigint[]))
        UNION ALL
        SELECT i.kind, i.wire_id FROM ringostat_sync.held_ids AS i WHERE i.place = f.place
    ) AS h
    CROSS JOIN LATERAL (
        SELECT o.identity, o.key, o.outbox_id, o.accepted_at FROM ringostat_sync.deliveries AS o
        WHERE o.project = f.project AND o.method = f.method AND o.identity = h.kind AND o.key = h.wire_id
            AND CASE h.kind WHEN 'externalId' THEN o.other_external_id ELSE o.other_lead_id END IS NULL
        UNION ALL
        SELECT o.identity, o.key, o.outbox_id, o.accepted_at FROM ringostat_sync.deliveries AS o
        WHERE h.kind = 'externalId' AND o.project = f.project AND o.method = f.method AND o.other_external_id = h.wire_id
        UNION ALL
        SELECT o.identity, o.key, o.outbox_id, o.accepted_at FROM ringostat_sync.deliveries AS o
        WHERE h.kind = 'leadId' AND o.project = f.project AND o.method = f.method AND o.other_lead_id = h.wire_id
    ) AS d
) AS shared
CROSS JOIN LATERAL (
    SELECT coalesce(
        (
            SELECT true FROM ringostat_sync.held_ids AS h
            WHERE h.project = f.project AND h.method = f.method AND h.kind = f.identity AND h.wire_id = f.key
                AND h.place <> f.place AND f.place <> ALL(CAST(:nameless AS bigint[]))
        ),
        (
            SELECT true FROM ringostat_sync.held_ids AS h
            WHERE h.place = f.place AND (
                SELECT true FROM ringostat_sync.in_flight AS o
                WHERE o.project = h.project AND o.method = h.method AND o.identity = h.kind AND o.key = h.wire_id
                    AND o.place <> f.place AND o.place <> ALL(CAST(:nameless AS bigint[]))
            )
            LIMIT 1
        ),
        false
    ) AS is_elsewhere
    OFFSET 0
) AS elsewhere
WHERE f.place = ANY(CAST(:places AS bigint[])) AND (own.outbox_id IS NOT NULL OR shared.newest_id IS NOT NULL OR elsewhere.is_elsewhere)
