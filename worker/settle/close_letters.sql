-- A letter ends when its contact is read anew, or when a newer document arrives: an older payload says nothing of what failed.
UPDATE ringostat_sync.dead_letters AS l
SET state = 'closed', closed_at = ringostat_sync.clock()
FROM ringostat_sync.in_flight AS f
WHERE f.batch_id = :batch AND f.place = ANY(CAST(:places AS int[]))
    AND l.project = f.project AND l.method = f.method AND l.identity = f.identity AND l.key = f.key
    AND l.state IN ('open', 'requeued')
    AND (l.outbox_id <= f.outbox_id OR (l.payload IS NULL AND f.payload IS NULL))
