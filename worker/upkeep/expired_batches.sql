SELECT id FROM ringostat_sync.batches WHERE state = 'pushing' AND lease_until < (SELECT ringostat_sync.clock()) ORDER BY id
