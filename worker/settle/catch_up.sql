-- The API holds the newer row's document already: an older payload that comes late is superseded by it all the same.
UPDATE ringostat_sync.deliveries AS d
SET outbox_id = f.outbox_id
FROM ringostat_sync.in_flight AS f
WHERE f.place = ANY(CAST(:places AS bigint[]))
    AND d.project = f.project AND d.method = f.method AND d.identity = f.identity AND d.key = f.key
    AND d.outbox_id < f.outbox_id
