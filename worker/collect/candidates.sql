-- Contacts that may go now, first come first served within a priority; those in flight are left alone. Each priority is
-- read from its watermark on. The sub-select is no join on purpose: with the statistics of a moment in which `in_flight`
-- was empty, a join would read all of it for each contact. Nor does it stand before `IS NULL`, which PostgreSQL takes to be rare: it would
-- read the whole backlog to sort it, as it would not expect the limit to be reached.
SELECT CAST(ready.ctid AS text) AS row, ready.attempts, ready.lost_leases, ready.priority, ready.outbox_id
FROM unnest(CAST(:priorities AS smallint[]), CAST(:watermarks AS bigint[])) AS w (priority, watermark)
CROSS JOIN LATERAL (
    SELECT p.ctid, p.attempts, p.lost_leases, p.priority, p.outbox_id
    FROM ringostat_sync.pending AS p
    WHERE p.project = :project AND p.method = :method AND p.due_at IS NULL
        AND p.priority = w.priority AND p.outbox_id >= w.watermark
        AND coalesce((
            SELECT false FROM ringostat_sync.in_flight AS f
            WHERE f.project = p.project AND f.method = p.method AND f.identity = p.identity AND f.key = p.key
        ), true)
    ORDER BY p.outbox_id
    LIMIT :limit
    FOR UPDATE OF p SKIP LOCKED
) AS ready
ORDER BY ready.priority, ready.outbox_id
LIMIT :limit
