-- As `release`, of contacts that a poll has found. One that has moved waits in the project that it left too, to end there as absent.
WITH found AS (
    SELECT w.key, w.project, w.kind
    FROM json_to_recordset(CAST(:drift AS json)) AS w (key text, project bigint, kind text)
), left_behind AS (
    SELECT r.key, r.project
    FROM ringostat_sync.routes AS r
    JOIN ringostat_sync.deliveries AS d
        ON d.project = r.project AND d.method = :method AND d.identity = :identity AND d.key = r.key
    WHERE :routed AND r.source = :source AND r.key IN (SELECT key FROM found) AND d.absent_at IS NULL
), going AS (
    SELECT key, project FROM found
    UNION
    SELECT key, project FROM left_behind
), waiting AS (
    INSERT INTO ringostat_sync.pending (project, method, identity, key, source, outbox_id, priority, captured_at)
    SELECT
        project, :method, :identity, key, :source, row_number() OVER (ORDER BY key, project) - CAST(4611686018427387904 AS bigint), 2,
        ringostat_sync.clock()
    FROM going
    ORDER BY project, key
    ON CONFLICT DO NOTHING
)
INSERT INTO ringostat_sync.routes (source, key, project)
SELECT :source, key, project FROM found WHERE :routed AND kind <> 'gone' ORDER BY key, project
ON CONFLICT DO NOTHING
