-- As `release`, of contacts that a poll has found.
INSERT INTO ringostat_sync.pending (project, method, identity, key, source, outbox_id, priority, captured_at)
SELECT
    :project, :method, :identity, key, :source, row_number() OVER (ORDER BY key) - CAST(4611686018427387904 AS bigint), 2,
    ringostat_sync.clock()
FROM unnest(CAST(:keys AS text[])) AS w (key)
ORDER BY key
ON CONFLICT DO NOTHING
