UPDATE ringostat_sync.pauses
SET until = ringostat_sync.clock() + make_interval(secs => :lease), probes = probes + 1
WHERE project = :project AND until <= ringostat_sync.clock()
