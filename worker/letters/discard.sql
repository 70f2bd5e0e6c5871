UPDATE ringostat_sync.dead_letters
SET state = 'discarded', closed_at = clock_timestamp()
WHERE id = ANY(CAST(:ids AS bigint[])) AND state = 'open'
RETURNING id
