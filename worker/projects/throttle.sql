INSERT INTO ringostat_sync.service_health AS h (project, throttled_until)
VALUES (:project, ringostat_sync.clock() + make_interval(secs => :seconds))
ON CONFLICT (project) DO UPDATE SET throttled_until = greatest(h.throttled_until, excluded.throttled_until)
