-- `ANY`: as in `slice`.
WITH refused AS (
    SELECT * FROM json_to_recordset(CAST(:refused AS json)) AS w (in_flight_id bigint, status smallint, answer text, document text)
)
UPDATE ringostat_sync.in_flight AS f
SET refusal_status = w.status, refusal_answer = w.answer, refusal_document = w.document
FROM refused AS w
WHERE f.in_flight_id = w.in_flight_id AND f.in_flight_id = ANY(ARRAY(SELECT in_flight_id FROM refused))
