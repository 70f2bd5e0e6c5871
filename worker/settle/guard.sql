-- Which of these are still ours? The row locks keep `recover` away until this transaction ends. `ANY`: as in `slice`.
WITH wanted AS (
    SELECT * FROM json_to_recordset(CAST(:batches AS json)) AS w (batch bigint, token int)
)
SELECT b.id
FROM ringostat_sync.batches AS b
JOIN wanted AS w ON b.id = w.batch AND b.token = w.token
WHERE b.state = 'pushing' AND b.id = ANY(ARRAY(SELECT batch FROM wanted))
ORDER BY b.id
FOR UPDATE OF b
