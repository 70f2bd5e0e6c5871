-- By place, of what was accepted under any id of the wire that the place holds, whosever key it was: the highest outbox id,
-- and whether another contact's was accepted since this batch was taken, so that it may have been read later than ours.
SELECT h.place, max(d.outbox_id) AS outbox_id,
    bool_or(d.accepted_at >= :taken_at AND (d.identity, d.key) <> (f.identity, f.key)) AS is_overtaken
FROM ringostat_sync.held_ids AS h
JOIN ringostat_sync.in_flight AS f ON f.batch_id = h.batch_id AND f.place = h.place
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
WHERE h.batch_id = :batch
GROUP BY h.place
