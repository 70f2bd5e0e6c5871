DELETE FROM ringostat_sync.in_flight
WHERE batch_id = :batch AND place = ANY(CAST(:places AS int[]))
