-- A request that is ahead of a clock which was set back counts as posted just now.
SELECT greatest(0, extract(epoch FROM ringostat_sync.clock() - posted_at))::float8 AS age
FROM ringostat_sync.requests
WHERE project = :project AND posted_at > (SELECT ringostat_sync.clock()) - make_interval(secs => :period)
ORDER BY posted_at DESC
LIMIT :limit
