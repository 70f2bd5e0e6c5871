SELECT extract(epoch FROM clock_timestamp() - posted_at)::float8 AS age
FROM ringostat_sync.requests
WHERE project = :project AND posted_at > clock_timestamp() - make_interval(secs => :period)
ORDER BY posted_at DESC
LIMIT :limit
