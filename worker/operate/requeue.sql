WITH requeued AS (
    UPDATE ringostat_sync.dead_letters
    SET state = 'requeued'
    WHERE id = ANY(CAST(:ids AS bigint[])) AND state = 'open'
    RETURNING *
), waiting AS (
    INSERT INTO ringostat_sync.pending AS p (project, method, identity, key, source, outbox_id, payload, forced, captured_at)
    SELECT project, method, identity, key, source, outbox_id, payload, false, ringostat_sync.clock()
    FROM requeued
    ORDER BY project, method, identity, key
    ON CONFLICT (project, method, identity, key) DO UPDATE SET
        source = CASE WHEN excluded.outbox_id > p.outbox_id THEN excluded.source ELSE p.source END,
        payload = CASE WHEN excluded.outbox_id > p.outbox_id THEN excluded.payload ELSE p.payload END,
        outbox_id = greatest(p.outbox_id, excluded.outbox_id),
        priority = 0,
        attempts = 0,
        first_failed_at = NULL,
        lost_leases = 0,
        due_at = NULL
)
SELECT id FROM requeued
