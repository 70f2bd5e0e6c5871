-- When the lane last accepted something: written twenty times a second at most, and no other transaction is waited for.
UPDATE ringostat_sync.lanes
SET accepted_at = ringostat_sync.clock()
WHERE ctid = ANY(ARRAY(
    SELECT l.ctid FROM ringostat_sync.lanes AS l
    WHERE l.project = :project AND l.method = :method
        AND coalesce(l.accepted_at < ringostat_sync.clock() - interval '50 milliseconds', true)
    FOR UPDATE SKIP LOCKED
))
