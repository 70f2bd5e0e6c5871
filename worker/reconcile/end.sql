-- The walk has ended. What was asked for after it began is still to be done.
UPDATE ringostat_sync.walks
SET started_at = NULL, last_key = NULL, is_over = false, ended_at = ringostat_sync.clock(), failed_at = NULL,
    requested_at = CASE WHEN requested_at > started_at THEN requested_at END,
    reason = CASE WHEN requested_at > started_at THEN reason END
WHERE source = :source AND purpose = :purpose
