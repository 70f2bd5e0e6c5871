SELECT id, project, method, source, key, reason, detail, attempts, http_status, first_failed_at, last_failed_at
FROM ringostat_sync.dead_letters
WHERE state = 'open'
    AND (CAST(:project AS bigint) IS NULL OR project = :project)
    AND (CAST(:reason AS ringostat_sync.dead_letter_reason) IS NULL OR reason = :reason)
ORDER BY id
