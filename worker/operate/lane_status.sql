-- A contact with several rows, or with rows in the outbox and in `pending`, waits once. A changed row that stands
-- for many contacts counts as one until it is fanned out.
WITH paused AS (
    SELECT * FROM ringostat_sync.pauses WHERE project = :project AND coalesce(method = :method, true)
), changed AS (
    SELECT s.identity, o.key, o.watch, o.id, o.created_at
    FROM unnest(CAST(:sources AS text[]), CAST(:identities AS ringostat_sync.identity[])) AS s (source, identity)
    JOIN ringostat_sync.outbox AS o ON o.source = s.source
), arriving AS (
    SELECT count(DISTINCT (c.identity, c.key)) FILTER (WHERE c.watch IS NULL AND NOT EXISTS (
            SELECT FROM ringostat_sync.pending AS p
            WHERE p.project = :project AND p.method = :method AND p.identity = c.identity AND p.key = c.key
        )) + count(*) FILTER (WHERE c.watch IS NOT NULL) AS contacts,
        min(c.created_at) AS oldest
    FROM changed AS c
), waiting AS (
    SELECT count(*) AS contacts, min(captured_at) AS oldest
    FROM ringostat_sync.pending WHERE project = :project AND method = :method
), fanning_out AS (
    SELECT count(*) AS contacts, min(captured_at) AS oldest
    FROM ringostat_sync.fan_outs WHERE source = ANY(CAST(:sources AS text[]))
), settled AS (
    SELECT coalesce(sum(sent), 0) AS sent, coalesce(sum(unchanged), 0) AS unchanged, coalesce(sum(absent), 0) AS absent
    FROM (
        SELECT sent, unchanged, absent FROM ringostat_sync.settlements WHERE project = :project AND method = :method
        UNION ALL
        SELECT sent, unchanged, absent FROM ringostat_sync.lanes WHERE project = :project AND method = :method
    ) AS counted
)
SELECT
    arriving.contacts + waiting.contacts + fanning_out.contacts AS pending,
    extract(epoch FROM ringostat_sync.clock() - least(arriving.oldest, waiting.oldest, fanning_out.oldest))::float8 AS oldest,
    (SELECT count(*) FROM ringostat_sync.in_flight WHERE project = :project AND method = :method) AS in_flight,
    settled.sent::bigint, settled.unchanged::bigint, settled.absent::bigint,
    (SELECT count(*) FROM ringostat_sync.dead_letters
        WHERE project = :project AND method = :method AND state = 'open') AS dead,
    (SELECT reason FROM paused) AS reason,
    (SELECT until FROM paused) AS until,
    (SELECT detail FROM paused) AS detail,
    (SELECT throttled_until FROM ringostat_sync.service_health
        WHERE project = :project AND throttled_until > (SELECT ringostat_sync.clock())) AS throttled_until,
    (SELECT count(*) FROM ringostat_sync.requests
        WHERE project = :project AND method = :method AND posted_at > (SELECT ringostat_sync.clock()) - interval '1 minute') AS requests
FROM arriving, waiting, fanning_out, settled
