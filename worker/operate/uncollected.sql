-- Sources whose oldest change has waited in the outbox for longer than `patience` seconds; and those that no mapping of ours has.
WITH RECURSIVE changed (source) AS (
    (SELECT source FROM ringostat_sync.outbox ORDER BY source LIMIT 1)
    UNION ALL
    SELECT (SELECT o.source FROM ringostat_sync.outbox AS o WHERE o.source > c.source ORDER BY o.source LIMIT 1)
    FROM changed AS c WHERE c.source IS NOT NULL
)
SELECT c.source, extract(epoch FROM ringostat_sync.clock() - o.created_at)::float8 AS waits_s
FROM changed AS c
CROSS JOIN LATERAL (
    SELECT created_at FROM ringostat_sync.outbox AS f WHERE f.source = c.source ORDER BY f.id LIMIT 1
) AS o
WHERE o.created_at < ringostat_sync.clock() - make_interval(secs => :patience)
