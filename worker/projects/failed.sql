INSERT INTO ringostat_sync.service_health AS h (project, failures, failing_since)
VALUES (:project, 1, clock_timestamp())
ON CONFLICT (project) DO UPDATE SET
    failures = h.failures + 1,
    failing_since = coalesce(h.failing_since, excluded.failing_since)
RETURNING failures, extract(epoch FROM clock_timestamp() - failing_since)::float8 AS seconds
