UPDATE ringostat_sync.dead_letters
SET state = 'discarded', closed_at = ringostat_sync.clock()
WHERE id = ANY(CAST(:ids AS bigint[])) AND state = 'open'
RETURNING id
