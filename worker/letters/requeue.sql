WITH requeued AS (
    UPDATE ringostat_sync.dead_letters
    SET state = 'requeued'
    WHERE id = ANY(CAST(:ids AS bigint[])) AND state = 'open'
    RETURNING *
), waiting AS (
    INSERT INTO ringostat_sync.pending AS p (project, method, identity, key, source, outbox_id, payload, forced, captured_at)
    SELECT project, method, identity, key, source, outbox_id, payload, false, clock_timestamp()
    FROM requeued
    ORDER BY project, method, identity, key
    ON CONFLICT (project, method, identity, key) DO UPDATE SET attempts = 0, losses = 0, due_at = NULL
)
SELECT id FROM requeued
