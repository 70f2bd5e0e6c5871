-- The last document accepted for each contact. A statement after `hold`: its snapshot is younger than the holding.
SELECT d.identity, d.key, d.digest, d.outbox_id
FROM unnest(CAST(:identities AS ringostat_sync.identity[]), CAST(:keys AS text[])) AS w (identity, key)
JOIN ringostat_sync.deliveries AS d
    ON d.project = :project AND d.method = :method AND d.identity = w.identity AND d.key = w.key
