DELETE FROM ringostat_sync.requests WHERE id = :request
