-- The API holds the newer row's document already: an older payload that comes late is superseded by it all the same.
-- And the mapping, or a producer, knows the contact.
-- `OFFSET 0`: as in `remember`.
UPDATE ringostat_sync.deliveries AS d
SET outbox_id = greatest(d.outbox_id, f.outbox_id), by_payload = d.by_payload AND f.payload IS NOT NULL, absent_at = NULL
FROM (SELECT * FROM ringostat_sync.in_flight WHERE in_flight_id = ANY(CAST(:in_flight_ids AS bigint[])) OFFSET 0) AS f
WHERE d.project = f.project AND d.method = f.method AND d.identity = f.identity AND d.key = f.key
    AND (d.outbox_id < f.outbox_id OR d.absent_at IS NOT NULL OR (d.by_payload AND f.payload IS NULL))
