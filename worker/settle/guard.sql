-- Which of these are still ours? The row locks keep `recover` away until this transaction ends.
SELECT b.id
FROM ringostat_sync.batches AS b
JOIN json_to_recordset(CAST(:batches AS json)) AS w (batch bigint, token int) ON b.id = w.batch AND b.token = w.token
WHERE b.state = 'pushing'
ORDER BY b.id
FOR UPDATE OF b
