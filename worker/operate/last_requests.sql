SELECT id, project, method::text, batch_id AS batch, entries, posted_at AS at, outcome, http_status AS status
FROM ringostat_sync.requests
ORDER BY id DESC
LIMIT :limit
