-- `ANY`: each contact is looked up. A join alone, planned while the table was empty, would read all of it, dead rows too.
WITH moved AS (
    SELECT * FROM json_to_recordset(CAST(:moved AS json)) AS w (place bigint, part bigint)
)
UPDATE ringostat_sync.in_flight AS f
SET part = w.part
FROM moved AS w
WHERE f.place = w.place AND f.place = ANY(ARRAY(SELECT place FROM moved))
