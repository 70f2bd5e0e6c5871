-- Projects for which a round of collection has something to do now, and those that are paused. Every step is a jump along an index, so that
-- a backlog costs no more than an empty table.
WITH RECURSIVE changed (source) AS (
    (SELECT source FROM ringostat_sync.outbox ORDER BY source LIMIT 1)
    UNION ALL
    SELECT (SELECT o.source FROM ringostat_sync.outbox AS o WHERE o.source > c.source ORDER BY o.source LIMIT 1)
    FROM changed AS c WHERE c.source IS NOT NULL
), fanning_out (source) AS (
    (SELECT source FROM ringostat_sync.fan_outs ORDER BY source LIMIT 1)
    UNION ALL
    SELECT (SELECT x.source FROM ringostat_sync.fan_outs AS x WHERE x.source > e.source ORDER BY x.source LIMIT 1)
    FROM fanning_out AS e WHERE e.source IS NOT NULL
), ready (project, method) AS (
    (SELECT project, method FROM ringostat_sync.pending WHERE due_at IS NULL ORDER BY project, method LIMIT 1)
    UNION ALL
    SELECT n.project, n.method
    FROM ready AS r CROSS JOIN LATERAL (
        SELECT p.project, p.method FROM ringostat_sync.pending AS p
        WHERE p.due_at IS NULL AND (p.project, p.method) > (r.project, r.method)
        ORDER BY p.project, p.method LIMIT 1
    ) AS n
), waiting (project, method, due_at) AS (
    (SELECT project, method, due_at FROM ringostat_sync.pending WHERE due_at IS NOT NULL ORDER BY project, method, due_at LIMIT 1)
    UNION ALL
    SELECT n.project, n.method, n.due_at
    FROM waiting AS w CROSS JOIN LATERAL (
        SELECT p.project, p.method, p.due_at FROM ringostat_sync.pending AS p
        WHERE p.due_at IS NOT NULL AND (p.project, p.method) > (w.project, w.method)
        ORDER BY p.project, p.method, p.due_at LIMIT 1
    ) AS n
), one_paused (project, method) AS (
    SELECT project, method FROM ringostat_sync.pauses WHERE method IS NOT NULL AND until > ringostat_sync.clock()
), work (project, source, even_paused, paused, broken) AS (
    SELECT CAST(NULL AS bigint), source, true, false, false FROM changed WHERE source IS NOT NULL
    UNION ALL
    SELECT NULL, source, false, false, false FROM fanning_out WHERE source IS NOT NULL
    UNION ALL
    SELECT project, NULL, false, false, false FROM ready WHERE (project, method) NOT IN (SELECT project, method FROM one_paused)
    UNION ALL
    SELECT project, NULL, false, false, false FROM waiting
    WHERE due_at <= (SELECT ringostat_sync.clock()) AND (project, method) NOT IN (SELECT project, method FROM one_paused)
    UNION ALL
    SELECT project, NULL, probe, false, false FROM ringostat_sync.batches WHERE state = 'snoozed' AND due_at <= (SELECT ringostat_sync.clock())
    UNION ALL
    SELECT project, NULL, false, true, reason = 'mapping_broken' FROM ringostat_sync.pauses
    WHERE method IS NULL AND (reason = 'by_hand' OR until > ringostat_sync.clock())
)
SELECT DISTINCT project, source, even_paused, paused, broken FROM work
