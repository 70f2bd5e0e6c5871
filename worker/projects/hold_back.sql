INSERT INTO ringostat_sync.service_health AS h (project, held_until)
VALUES (:project, ringostat_sync.clock() + make_interval(secs => :seconds))
ON CONFLICT (project) DO UPDATE SET held_until = greatest(h.held_until, excluded.held_until)
