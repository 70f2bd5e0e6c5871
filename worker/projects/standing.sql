SELECT reason, until <= ringostat_sync.clock() AS probe_due
FROM ringostat_sync.pauses
WHERE project = :project
