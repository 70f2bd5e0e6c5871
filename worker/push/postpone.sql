UPDATE ringostat_sync.batches
SET state = 'postponed', lease_until = NULL, due_at = clock_timestamp() + make_interval(secs => :after)
WHERE id = :batch AND state = 'pushing'
