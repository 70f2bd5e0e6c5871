UPDATE ringostat_sync.requests AS r
SET outcome = w.outcome, http_status = w.status
FROM json_to_recordset(CAST(:answers AS json)) AS w (request bigint, outcome text, status smallint)
WHERE r.id = w.request
