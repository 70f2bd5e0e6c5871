-- What requests came to, beside them and counted. `ANY`: as in `slice`.
WITH answers AS (
    SELECT * FROM json_to_recordset(CAST(:answers AS json)) AS w (request bigint, outcome text, status smallint)
), counted AS (
    INSERT INTO ringostat_sync.settlements (
        project, method, requests_accepted, requests_refused, requests_throttled, requests_failed, requests_unauthorized,
        requests_unexpected
    )
    SELECT
        :project, :method,
        count(*) FILTER (WHERE outcome = 'accepted'), count(*) FILTER (WHERE outcome = 'refused'),
        count(*) FILTER (WHERE outcome = 'throttled'), count(*) FILTER (WHERE outcome IN ('failed', 'unknown')),
        count(*) FILTER (WHERE outcome = 'unauthorized'), count(*) FILTER (WHERE outcome = 'unexpected')
    FROM answers
)
UPDATE ringostat_sync.requests AS r
SET outcome = w.outcome, http_status = w.status
FROM answers AS w
WHERE r.id = w.request AND r.id = ANY(ARRAY(SELECT request FROM answers))
