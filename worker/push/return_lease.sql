UPDATE ringostat_sync.batches
SET state = 'cut', lease_until = NULL, sent_at = ringostat_sync.clock()
WHERE id = :batch AND token = :token AND state = 'pushing'
