-- Writes only if there was a streak of these.
UPDATE ringostat_sync.lanes
SET
    failures = CASE WHEN :failures THEN 0 ELSE failures END,
    failing_since = CASE WHEN :failures THEN NULL ELSE failing_since END,
    refusals = CASE WHEN :refusals THEN 0 ELSE refusals END
WHERE project = :project AND method = :method AND ((:failures AND failures > 0) OR (:refusals AND refusals > 0))
