UPDATE ringostat_sync.pauses
SET until = ringostat_sync.clock()
    + make_interval(secs => greatest(:at_least, least(:longest, :first * power(2, least(probes, 30)))))
WHERE project = :project AND reason <> 'by_hand'
