-- A streak is written to only if there is one. When the lane last accepted something is written twenty times a second at most, and no
-- other transaction is waited for.
WITH throttles AS (
    UPDATE ringostat_sync.service_health SET throttles = 0 WHERE :throttles AND project = :project AND throttles > 0
), streaks AS (
    UPDATE ringostat_sync.lanes
    SET
        failures = CASE WHEN :failures THEN 0 ELSE failures END,
        failing_since = CASE WHEN :failures THEN NULL ELSE failing_since END,
        refusals = CASE WHEN :refusals THEN 0 ELSE refusals END,
        accepted_at = CASE WHEN :accepted THEN ringostat_sync.clock() ELSE accepted_at END
    WHERE project = :project AND method = :method AND ((:failures AND failures > 0) OR (:refusals AND refusals > 0))
)
UPDATE ringostat_sync.lanes
SET accepted_at = ringostat_sync.clock()
WHERE ctid = ANY(ARRAY(
    SELECT l.ctid FROM ringostat_sync.lanes AS l
    WHERE :accepted AND l.project = :project AND l.method = :method AND l.failures = 0 AND l.refusals = 0
        AND coalesce(l.accepted_at < ringostat_sync.clock() - interval '50 milliseconds', true)
    FOR UPDATE SKIP LOCKED
))
