-- One more of what is counted in a row (one of the three is 1, the others 0); returns how many of each there are now.
INSERT INTO ringostat_sync.service_health AS h (project, failures, throttles, refusals, failing_since)
VALUES (:project, :failures, :throttles, :refusals, CASE WHEN CAST(:failures AS int) > 0 THEN ringostat_sync.clock() END)
ON CONFLICT (project) DO UPDATE SET
    failures = h.failures + excluded.failures,
    throttles = h.throttles + excluded.throttles,
    refusals = h.refusals + excluded.refusals,
    failing_since = coalesce(h.failing_since, excluded.failing_since)
RETURNING failures, throttles, refusals,
    coalesce(extract(epoch FROM ringostat_sync.clock() - failing_since), 0)::float8 AS failing_for
