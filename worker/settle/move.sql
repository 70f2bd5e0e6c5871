UPDATE ringostat_sync.in_flight AS f
SET part = w.part
FROM json_to_recordset(CAST(:moved AS json)) AS w (place bigint, part bigint)
WHERE f.place = w.place
