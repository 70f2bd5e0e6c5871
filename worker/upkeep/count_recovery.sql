INSERT INTO ringostat_sync.settlements (project, method, lost_leases) VALUES (:project, :method, 1)
