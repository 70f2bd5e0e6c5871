SELECT project FROM ringostat_sync.pauses WHERE reason = 'by_hand' OR until > ringostat_sync.clock()
