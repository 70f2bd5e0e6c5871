UPDATE ringostat_sync.in_flight AS f
SET suspect_status = w.status, suspect_answer = w.answer, suspect_document = w.document
FROM json_to_recordset(CAST(:suspects AS json)) AS w (place bigint, status smallint, answer text, document text)
WHERE f.place = w.place
