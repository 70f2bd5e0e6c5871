-- Forget failures, refusals and how long to hold back; returns whether there was anything to hold back for.
WITH held AS (
    SELECT throttled_until > ringostat_sync.clock() AS still FROM ringostat_sync.service_health WHERE project = :project FOR UPDATE
)
UPDATE ringostat_sync.service_health
SET failures = 0, failing_since = NULL, throttles = 0, refusals = 0, throttled_until = NULL
FROM held
WHERE project = :project
RETURNING coalesce(held.still, false)
