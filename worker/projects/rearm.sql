UPDATE ringostat_sync.pauses
SET until = ringostat_sync.clock() + make_interval(secs => :after)
WHERE project = :project AND reason <> 'by_hand'
