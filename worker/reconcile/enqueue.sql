-- As `release`, of contacts that a poll has found.
WITH waiting AS (
    INSERT INTO ringostat_sync.pending (project, method, identity, key, source, outbox_id, priority, captured_at)
    SELECT
        w.project, :method, :identity, w.key, :source, row_number() OVER (ORDER BY w.key, w.project) - CAST(4611686018427387904 AS bigint), 2,
        ringostat_sync.clock()
    FROM json_to_recordset(CAST(:drift AS json)) AS w (key text, project bigint)
    ORDER BY w.project, w.key
    ON CONFLICT DO NOTHING
)
INSERT INTO ringostat_sync.routes (source, key, project)
SELECT :source, w.key, w.project
FROM json_to_recordset(CAST(:drift AS json)) AS w (key text, project bigint, kind text)
WHERE :routed AND w.kind <> 'gone'
ORDER BY w.key, w.project
ON CONFLICT DO NOTHING
