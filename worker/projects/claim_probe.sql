UPDATE ringostat_sync.pauses
SET until = clock_timestamp() + make_interval(secs => :lease), probes = probes + 1
WHERE project = :project AND until <= clock_timestamp()
