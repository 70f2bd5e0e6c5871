UPDATE ringostat_sync.service_health
SET failures = 0, failing_since = NULL, throttles = 0, refusals = 0
WHERE project = :project AND (failures > 0 OR throttles > 0 OR refusals > 0)
