INSERT INTO ringostat_sync.service_health AS h (project, refusals)
VALUES (:project, 1)
ON CONFLICT (project) DO UPDATE SET refusals = h.refusals + 1
RETURNING refusals
