SELECT id, project, method, source, key, reason, detail, attempts, http_status, first_failed_at, last_failed_at, answer, document
FROM ringostat_sync.dead_letters
WHERE state = 'open'
    AND (CAST(:project AS bigint) IS NULL OR project = :project)
    AND (CAST(:reason AS ringostat_sync.dead_letter_reason) IS NULL OR reason = :reason)
    AND (CAST(:source AS text) IS NULL OR source = :source)
    AND (CAST(:key AS text) IS NULL OR key = ringostat_sync.bounded_key(:key))
    AND (CAST(:since AS timestamptz) IS NULL OR last_failed_at >= :since)
ORDER BY id
LIMIT :limit
