INSERT INTO ringostat_sync.lanes AS l (project, method, batch_limit)
VALUES (:project, :method, :limit)
ON CONFLICT (project, method) DO UPDATE SET batch_limit = least(l.batch_limit, excluded.batch_limit)
