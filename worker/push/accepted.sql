-- The last document accepted for each contact of a batch. A statement after `hold`: its snapshot is younger than the holding.
SELECT f.place, d.digest, d.outbox_id
FROM ringostat_sync.in_flight AS f
JOIN ringostat_sync.deliveries AS d
    ON d.project = f.project AND d.method = f.method AND d.identity = f.identity AND d.key = f.key
WHERE f.batch_id = :batch
