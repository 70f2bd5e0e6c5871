SELECT
    id, project, method, source, key, reason, detail, attempts, http_status, first_failed_at, last_failed_at,
    state, document, payload, answer
FROM ringostat_sync.dead_letters
WHERE id = :id
