DELETE FROM ringostat_sync.held_ids WHERE place = ANY(CAST(:places AS bigint[]))
