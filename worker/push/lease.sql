-- Take cut batches under a lease. A second message for one finds it taken, and does nothing. They are locked in order, so that two
-- messages for the same batches can't wait for each other.
UPDATE ringostat_sync.batches AS b
SET state = 'pushing', token = b.token + 1, lease_until = now.clock + make_interval(secs => :lease)
FROM (SELECT ringostat_sync.clock() AS clock) AS now
WHERE b.state = 'cut' AND b.id = ANY(ARRAY(
    SELECT c.id FROM ringostat_sync.batches AS c
    WHERE c.id = ANY(CAST(:batches AS bigint[])) AND c.state = 'cut'
    ORDER BY c.id
    FOR UPDATE
))
RETURNING
    b.id, b.token, b.project, b.method, b.size, b.probe, b.accepted, now.clock AS leased_at,
    (SELECT l.batch_limit FROM ringostat_sync.lanes AS l WHERE l.project = b.project AND l.method = b.method) AS batch_limit
