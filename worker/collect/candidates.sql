-- Contacts that may go now, first come first served within a priority; those in flight are left alone.
SELECT identity, key, attempts, losses
FROM ringostat_sync.pending AS p
WHERE project = :project AND method = :method AND due_at IS NULL
    AND NOT EXISTS (
        SELECT FROM ringostat_sync.in_flight AS f
        WHERE f.project = p.project AND f.method = p.method AND f.identity = p.identity AND f.key = p.key
    )
ORDER BY priority, outbox_id
LIMIT :limit
FOR UPDATE OF p SKIP LOCKED
