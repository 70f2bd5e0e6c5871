-- Contacts wait again. Where a newer change of one waits already, that one is kept and this one is superseded.
WITH gone AS (
    DELETE FROM ringostat_sync.in_flight AS f
    USING unnest(CAST(:places AS int[]), CAST(:afters AS float8[]), CAST(:counted AS int[]), CAST(:lost AS int[]))
        AS w (place, after, counted, lost)
    WHERE f.batch_id = :batch AND f.place = w.place
    RETURNING f.*, w.after, w.counted, w.lost
)
INSERT INTO ringostat_sync.pending AS p (
    project, method, identity, key, source, outbox_id, payload, priority, attempts, losses, forced, captured_at, due_at
)
SELECT
    project, method, identity, key, source, outbox_id, payload, priority, attempts + counted, losses + lost, forced, captured_at,
    CASE WHEN after > 0 THEN clock_timestamp() + make_interval(secs => after) END
FROM gone
ORDER BY identity, key
ON CONFLICT (project, method, identity, key) DO UPDATE SET
    source = excluded.source,
    outbox_id = excluded.outbox_id,
    payload = excluded.payload,
    priority = least(p.priority, excluded.priority),
    attempts = excluded.attempts,
    losses = excluded.losses,
    forced = p.forced OR excluded.forced,
    captured_at = least(p.captured_at, excluded.captured_at),
    due_at = excluded.due_at
WHERE excluded.outbox_id > p.outbox_id
