-- What a request has taught about a lane's batch size. Smaller only, or (`instead_of`) instead of the limit that the request knew.
INSERT INTO ringostat_sync.lanes AS l (project, method, batch_limit)
VALUES (:project, :method, :limit)
ON CONFLICT (project, method) DO UPDATE SET
    batch_limit = CASE WHEN CAST(:instead_of AS int) IS NULL THEN least(l.batch_limit, excluded.batch_limit) ELSE excluded.batch_limit END
WHERE CAST(:instead_of AS int) IS NULL OR l.batch_limit = :instead_of
