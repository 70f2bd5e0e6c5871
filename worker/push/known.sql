-- What is known of contacts whose ids are held, by place; a statement after the holding, so that its snapshot is younger.
-- `digest` and `outbox_id`: the last document accepted for the contact itself. `newest_id`: the highest outbox id accepted under
-- any of its ids on the wire, whosever key that was. `is_overtaken`: another contact's was accepted under one of them since the
-- batch was taken, so that it may have been read later than ours. `is_shared`: another contact's document bears one of them.
SELECT f.place, own.digest, own.outbox_id, shared.newest_id, shared.is_overtaken, shared.is_shared
FROM ringostat_sync.in_flight AS f
LEFT JOIN LATERAL (
    SELECT d.digest, d.outbox_id FROM ringostat_sync.deliveries AS d
    WHERE d.project = f.project AND d.method = f.method AND d.identity = f.identity AND d.key = f.key
    OFFSET 0
) AS own ON true
CROSS JOIN LATERAL (
    SELECT
        max(d.outbox_id) AS newest_id,
        bool_or(d.accepted_at >= :taken_at AND (d.identity, d.key) <> (f.identity, f.key)) AS is_overtaken,
        bool_or((d.identity, d.key) <> (f.identity, f.key)) AS is_shared
    FROM ringostat_sync.held_ids AS h
    CROSS JOIN LATERAL (
        SELECT o.identity, o.key, o.outbox_id, o.accepted_at FROM ringostat_sync.deliveries AS o
        WHERE o.project = h.project AND o.method = h.method AND o.identity = h.kind AND o.key = h.wire_id
            AND CASE h.kind WHEN 'externalId' THEN o.other_external_id ELSE o.other_lead_id END IS NULL
        UNION ALL
        SELECT o.identity, o.key, o.outbox_id, o.accepted_at FROM ringostat_sync.deliveries AS o
        WHERE h.kind = 'externalId' AND o.project = h.project AND o.method = h.method AND o.other_external_id = h.wire_id
        UNION ALL
        SELECT o.identity, o.key, o.outbox_id, o.accepted_at FROM ringostat_sync.deliveries AS o
        WHERE h.kind = 'leadId' AND o.project = h.project AND o.method = h.method AND o.other_lead_id = h.wire_id
    ) AS d
    WHERE h.place = f.place
) AS shared
WHERE f.place = ANY(CAST(:places AS bigint[])) AND (own.outbox_id IS NOT NULL OR shared.newest_id IS NOT NULL)
