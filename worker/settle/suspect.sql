-- `ANY`: as in `move`.
WITH suspects AS (
    SELECT * FROM json_to_recordset(CAST(:suspects AS json)) AS w (place bigint, status smallint, answer text, document text)
)
UPDATE ringostat_sync.in_flight AS f
SET suspect_status = w.status, suspect_answer = w.answer, suspect_document = w.document
FROM suspects AS w
WHERE f.place = w.place AND f.place = ANY(ARRAY(SELECT place FROM suspects))
