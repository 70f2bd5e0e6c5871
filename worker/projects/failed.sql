INSERT INTO ringostat_sync.service_health AS h (project, failures, failing_since)
VALUES (:project, 1, ringostat_sync.clock())
ON CONFLICT (project) DO UPDATE SET
    failures = h.failures + 1,
    failing_since = coalesce(h.failing_since, excluded.failing_since)
RETURNING failures, extract(epoch FROM ringostat_sync.clock() - failing_since)::float8 AS seconds
