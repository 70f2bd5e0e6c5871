SELECT ringostat_sync.clock()
