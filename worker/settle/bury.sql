-- One living dead letter per contact: failing again opens the same one. An older payload does not replace what failed after it.
-- `OFFSET 0`: as in `remember`.
INSERT INTO ringostat_sync.dead_letters AS l (
    project, method, identity, key, source, outbox_id, payload, reason, detail, document, answer, http_status, attempts,
    first_failed_at, last_failed_at
)
SELECT
    f.project, f.method, f.identity, f.key, f.source, f.outbox_id, f.payload,
    w.reason, w.detail, w.document, w.answer, w.http_status, w.attempts, ringostat_sync.clock(), ringostat_sync.clock()
FROM json_to_recordset(CAST(:buried AS json)) AS w (
    in_flight_id bigint, reason ringostat_sync.dead_letter_reason, detail text, document text, answer text, http_status smallint, attempts smallint
)
CROSS JOIN LATERAL (SELECT * FROM ringostat_sync.in_flight AS i WHERE i.in_flight_id = w.in_flight_id OFFSET 0) AS f
ORDER BY f.in_flight_id
ON CONFLICT (project, method, identity, key) WHERE state IN ('open', 'requeued') DO UPDATE SET
    state = 'open',
    source = excluded.source,
    outbox_id = excluded.outbox_id,
    payload = excluded.payload,
    reason = excluded.reason,
    detail = excluded.detail,
    document = excluded.document,
    answer = excluded.answer,
    http_status = excluded.http_status,
    attempts = excluded.attempts,
    last_failed_at = excluded.last_failed_at
WHERE l.outbox_id <= excluded.outbox_id OR (l.payload IS NULL AND excluded.payload IS NULL)
