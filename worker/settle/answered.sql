UPDATE ringostat_sync.requests SET outcome = :outcome, http_status = :status WHERE id = :request
