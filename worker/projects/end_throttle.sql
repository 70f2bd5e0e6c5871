-- Forget 429s and how long to wait for them; returns whether there was anything to wait for.
WITH throttled AS (
    SELECT throttled_until > ringostat_sync.clock() AS still FROM ringostat_sync.service_health WHERE project = :project FOR UPDATE
), forgotten AS (
    UPDATE ringostat_sync.lanes
    SET failures = 0, failing_since = NULL, refusals = 0
    WHERE project = :project AND (failures > 0 OR refusals > 0)
)
UPDATE ringostat_sync.service_health
SET throttles = 0, throttled_until = NULL, throttled_at = NULL
FROM throttled
WHERE project = :project
RETURNING coalesce(throttled.still, false)
