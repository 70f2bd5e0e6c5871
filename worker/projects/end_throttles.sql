UPDATE ringostat_sync.service_health SET throttles = 0 WHERE project = :project AND throttles > 0
