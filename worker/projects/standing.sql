SELECT reason, until <= clock_timestamp() AS probe_due
FROM ringostat_sync.pauses
WHERE project = :project
