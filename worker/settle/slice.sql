-- `ANY`: each contact is looked up. A join alone, planned while the table was empty, would read all of it, dead rows too.
WITH moved AS (
    SELECT * FROM json_to_recordset(CAST(:moved AS json)) AS w (in_flight_id bigint, slice bigint)
)
UPDATE ringostat_sync.in_flight AS f
SET slice = w.slice
FROM moved AS w
WHERE f.in_flight_id = w.in_flight_id AND f.in_flight_id = ANY(ARRAY(SELECT in_flight_id FROM moved))
