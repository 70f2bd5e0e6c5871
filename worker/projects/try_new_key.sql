UPDATE ringostat_sync.pauses
SET until = ringostat_sync.clock(), probes = 0
WHERE project = :project AND reason = 'unauthorized' AND until > ringostat_sync.clock()
