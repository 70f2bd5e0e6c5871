-- Lanes in which contacts may go and none does: not paused, not throttled, and for longer than the rate explains (`patience`, seconds by
-- lane) nothing posted, nothing settled, nothing under way.
SELECT w.project, w.method, extract(epoch FROM ringostat_sync.clock() - p.captured_at)::float8 AS waits_s
FROM unnest(CAST(:projects AS bigint[]), CAST(:methods AS ringostat_sync.method[]), CAST(:patience AS float8[])) AS w (project, method, patience)
CROSS JOIN LATERAL (
    SELECT i.captured_at FROM ringostat_sync.pending AS i
    WHERE i.project = w.project AND i.method = w.method AND i.due_at IS NULL
    ORDER BY i.priority, i.outbox_id LIMIT 1
) AS p
WHERE p.captured_at < ringostat_sync.clock() - make_interval(secs => w.patience)
    AND NOT EXISTS (SELECT FROM ringostat_sync.pauses AS x WHERE x.project = w.project AND coalesce(x.method = w.method, true))
    AND NOT EXISTS (
        SELECT FROM ringostat_sync.service_health AS h WHERE h.project = w.project AND h.throttled_until > ringostat_sync.clock()
    )
    AND NOT EXISTS (
        SELECT FROM ringostat_sync.requests AS r
        WHERE r.project = w.project AND r.posted_at > ringostat_sync.clock() - make_interval(secs => w.patience)
    )
    AND NOT EXISTS (
        SELECT FROM ringostat_sync.settlements AS s
        WHERE s.project = w.project AND s.method = w.method
            AND s.settled_at > ringostat_sync.clock() - make_interval(secs => w.patience)
    )
    AND NOT EXISTS (
        SELECT FROM ringostat_sync.batches AS b
        WHERE b.project = w.project AND b.state = 'pushing' AND b.lease_until > ringostat_sync.clock()
    )
