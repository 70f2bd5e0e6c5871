SELECT reason, probes, until <= ringostat_sync.clock() AS is_probe_due FROM ringostat_sync.pauses WHERE project = :project FOR UPDATE
