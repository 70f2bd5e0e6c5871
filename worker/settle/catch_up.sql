-- The API holds the newer row's document already: an older payload that comes late is superseded by it all the same.
-- `OFFSET 0`: as in `remember`.
UPDATE ringostat_sync.deliveries AS d
SET outbox_id = f.outbox_id
FROM (SELECT * FROM ringostat_sync.in_flight WHERE in_flight_id = ANY(CAST(:in_flight_ids AS bigint[])) OFFSET 0) AS f
WHERE d.project = f.project AND d.method = f.method AND d.identity = f.identity AND d.key = f.key
    AND d.outbox_id < f.outbox_id
