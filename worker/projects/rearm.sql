UPDATE ringostat_sync.pauses
SET until = clock_timestamp() + make_interval(secs => :after)
WHERE project = :project AND reason <> 'by_hand'
