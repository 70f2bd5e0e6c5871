-- Take rows of one source out of the outbox: the newest per contact waits in `pending`, rows that stand for many
-- contacts wait in `fan_outs`. The highest outbox id wins; the rows below it are superseded here. A row that
-- waits for its fan-out already waits once, under its newest id: one that is being worked on just now is found again after that.
-- Of a routed source only the rows are taken whose destinations were found, `:ids`; every other contact goes to `:project`.
WITH taken AS (
    DELETE FROM ringostat_sync.outbox
    WHERE source = :source AND id = ANY(ARRAY(
        SELECT id FROM ringostat_sync.outbox
        WHERE source = :source AND id >= :watermark AND (CAST(:ids AS bigint[]) IS NULL OR id = ANY(CAST(:ids AS bigint[])))
        ORDER BY id LIMIT :limit
    ))
    RETURNING id, ringostat_sync.bounded_key(key) AS key, payload, watch, changed, created_at
), newest AS (
    SELECT DISTINCT ON (key) key, id, payload, min(created_at) OVER (PARTITION BY key) AS captured_at
    FROM taken
    WHERE watch IS NULL
    ORDER BY key, id DESC
), destined AS (
    SELECT coalesce(d.project, :project) AS project, n.*
    FROM newest AS n
    LEFT JOIN json_to_recordset(CAST(:destinations AS json)) AS d (key text, project bigint) ON d.key = n.key
), fanning_out AS (
    INSERT INTO ringostat_sync.fan_outs AS f (source, outbox_id, watch, changed, captured_at)
    SELECT :source, max(id), watch, coalesce(changed, '{}'), min(created_at)
    FROM taken
    WHERE watch IS NOT NULL
    GROUP BY watch, coalesce(changed, '{}')
    ORDER BY watch, coalesce(changed, '{}')
    ON CONFLICT (source, watch, md5(changed::text)) DO UPDATE SET
        outbox_id = greatest(f.outbox_id, excluded.outbox_id),
        captured_at = least(f.captured_at, excluded.captured_at)
), waiting AS (
    INSERT INTO ringostat_sync.pending AS p (project, method, identity, key, source, outbox_id, payload, captured_at)
    SELECT project, :method, :identity, key, :source, id, payload, captured_at FROM destined ORDER BY project, key
    ON CONFLICT (project, method, identity, key) DO UPDATE SET
        source = excluded.source,
        outbox_id = excluded.outbox_id,
        payload = excluded.payload,
        priority = 0,
        attempts = 0,
        lost_leases = 0,
        first_failed_at = NULL,
        captured_at = least(p.captured_at, excluded.captured_at),
        due_at = NULL
    WHERE p.outbox_id < excluded.outbox_id
    RETURNING key, xmax = 0 AS is_new
), superseded AS (
    INSERT INTO ringostat_sync.settlements (project, method, superseded)
    SELECT :project, :method, t.changes - w.contacts
    FROM (SELECT count(*) AS changes FROM taken WHERE watch IS NULL) AS t
    CROSS JOIN (SELECT count(DISTINCT key) AS contacts FROM waiting WHERE is_new) AS w
    WHERE t.changes > w.contacts
)
SELECT count(*) AS count, min(id) AS first, coalesce(bool_or(watch IS NOT NULL), false) AS has_fan_outs FROM taken
