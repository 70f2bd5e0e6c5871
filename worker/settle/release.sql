DELETE FROM ringostat_sync.held_ids
WHERE batch_id = :batch AND place = ANY(CAST(:places AS int[]))
