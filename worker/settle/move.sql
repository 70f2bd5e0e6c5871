UPDATE ringostat_sync.in_flight AS f
SET part = w.part
FROM unnest(CAST(:places AS int[]), CAST(:parts AS int[])) AS w (place, part)
WHERE f.batch_id = :batch AND f.place = w.place
