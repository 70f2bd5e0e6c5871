UPDATE ringostat_sync.batches
SET state = 'snoozed', lease_until = NULL, due_at = ringostat_sync.clock() + make_interval(secs => :after)
WHERE id = :batch AND state = 'pushing'
