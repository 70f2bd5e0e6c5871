UPDATE ringostat_sync.clock_seen SET place = :place WHERE place IS DISTINCT FROM :place
