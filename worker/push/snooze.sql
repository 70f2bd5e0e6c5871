-- After a minute at the latest one looks again: what it waits for may have ended before its time.
UPDATE ringostat_sync.batches
SET state = 'snoozed', lease_until = NULL, due_at = ringostat_sync.clock() + make_interval(secs => least(:after, 60))
WHERE id = :batch AND state = 'pushing'
