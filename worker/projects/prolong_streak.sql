-- One more of what a lane counts in a row (failures or refusals: one is 1, the other 0); returns how many there are now.
INSERT INTO ringostat_sync.lanes AS l (project, method, failures, refusals, failing_since)
VALUES (:project, :method, :failures, :refusals, CASE WHEN CAST(:failures AS int) > 0 THEN ringostat_sync.clock() END)
ON CONFLICT (project, method) DO UPDATE SET
    failures = l.failures + excluded.failures,
    refusals = l.refusals + excluded.refusals,
    failing_since = coalesce(l.failing_since, excluded.failing_since)
RETURNING failures, refusals, accepted_at, coalesce(extract(epoch FROM ringostat_sync.clock() - failing_since), 0)::float8 AS failing_for
