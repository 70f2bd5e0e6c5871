SELECT project FROM ringostat_sync.pauses WHERE reason = 'by_hand' OR until > clock_timestamp()
