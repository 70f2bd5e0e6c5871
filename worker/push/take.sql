-- Take a cut batch under a lease. A second message for it finds it taken, and does nothing.
UPDATE ringostat_sync.batches AS b
SET state = 'pushing', token = b.token + 1, lease_until = ringostat_sync.clock() + make_interval(secs => :lease)
WHERE b.id = :batch AND b.state = 'cut'
RETURNING
    b.id, b.token, b.project, b.method, b.size, b.probe, b.accepted, ringostat_sync.clock() AS taken_at,
    (SELECT l.batch_limit FROM ringostat_sync.lanes AS l WHERE l.project = b.project AND l.method = b.method) AS batch_limit
