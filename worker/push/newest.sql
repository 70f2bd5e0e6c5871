-- The highest outbox id accepted under any id of the wire that a place of this batch holds, whosever key it was.
SELECT h.place, max(d.outbox_id) AS outbox_id
FROM ringostat_sync.held_ids AS h CROSS JOIN LATERAL (
    SELECT o.outbox_id FROM ringostat_sync.deliveries AS o
    WHERE o.project = h.project AND o.method = h.method AND o.identity = h.kind AND o.key = h.wire_id
        AND CASE h.kind WHEN 'externalId' THEN o.other_external_id ELSE o.other_lead_id END IS NULL
    UNION ALL
    SELECT o.outbox_id FROM ringostat_sync.deliveries AS o
    WHERE h.kind = 'externalId' AND o.project = h.project AND o.method = h.method AND o.other_external_id = h.wire_id
    UNION ALL
    SELECT o.outbox_id FROM ringostat_sync.deliveries AS o
    WHERE h.kind = 'leadId' AND o.project = h.project AND o.method = h.method AND o.other_lead_id = h.wire_id
) AS d
WHERE h.batch_id = :batch
GROUP BY h.place
