INSERT INTO ringostat_sync.service_health AS h (project, throttles)
VALUES (:project, 1)
ON CONFLICT (project) DO UPDATE SET throttles = h.throttles + 1
RETURNING throttles
