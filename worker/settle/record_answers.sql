-- `ANY`: as in `slice`.
WITH answers AS (
    SELECT * FROM json_to_recordset(CAST(:answers AS json)) AS w (request bigint, outcome text, status smallint)
)
UPDATE ringostat_sync.requests AS r
SET outcome = w.outcome, http_status = w.status
FROM answers AS w
WHERE r.id = w.request AND r.id = ANY(ARRAY(SELECT request FROM answers))
