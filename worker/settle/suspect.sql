UPDATE ringostat_sync.in_flight AS f
SET suspect_status = w.status, suspect_answer = w.answer, suspect_document = w.document
FROM unnest(CAST(:places AS int[]), CAST(:statuses AS smallint[]), CAST(:answers AS text[]), CAST(:documents AS text[]))
    AS w (place, status, answer, document)
WHERE f.batch_id = :batch AND f.place = w.place
