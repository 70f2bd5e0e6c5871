-- The clock was set back: what waits for a moment by the old one is brought nearer by as much. Requests are as old as they were, and
-- none of what was accepted lies ahead.
WITH set_back AS (
    SELECT make_interval(secs => :seconds) AS by, ringostat_sync.clock() AS now
), waiting AS (
    UPDATE ringostat_sync.pending SET due_at = due_at - s.by, first_failed_at = first_failed_at - s.by
    FROM set_back AS s WHERE due_at IS NOT NULL
), under_way AS (
    UPDATE ringostat_sync.batches
    SET lease_until = lease_until - s.by, due_at = due_at - s.by, sent_at = sent_at - s.by
    FROM set_back AS s
), paused AS (
    UPDATE ringostat_sync.pauses SET since = since - s.by, until = until - s.by FROM set_back AS s
), throttled AS (
    UPDATE ringostat_sync.service_health
    SET throttled_until = throttled_until - s.by, throttled_at = throttled_at - s.by
    FROM set_back AS s
), lanes AS (
    UPDATE ringostat_sync.lanes SET failing_since = failing_since - s.by, accepted_at = accepted_at - s.by FROM set_back AS s
), parts AS (
    UPDATE ringostat_sync.parts
    SET started_at = started_at - s.by, seen_at = seen_at - s.by, progressed_at = progressed_at - s.by
    FROM set_back AS s
), posted AS (
    UPDATE ringostat_sync.requests SET posted_at = posted_at - s.by
    FROM set_back AS s WHERE posted_at > s.now + s.by - interval '1 hour'
)
UPDATE ringostat_sync.deliveries SET accepted_at = s.now FROM set_back AS s WHERE accepted_at > s.now
