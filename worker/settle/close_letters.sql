UPDATE ringostat_sync.dead_letters AS l
SET state = 'closed', closed_at = ringostat_sync.clock()
FROM ringostat_sync.in_flight AS f
WHERE f.batch_id = :batch AND f.place = ANY(CAST(:places AS int[]))
    AND l.project = f.project AND l.method = f.method AND l.identity = f.identity AND l.key = f.key
    AND l.state IN ('open', 'requeued')
