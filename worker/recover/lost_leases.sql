SELECT id FROM ringostat_sync.batches WHERE state = 'pushing' AND lease_until < clock_timestamp() ORDER BY id
