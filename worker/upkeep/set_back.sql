-- The clock was set back: what waits for a moment by the old one is brought nearer by as much, failures are as old as they were, and
-- nothing that was accepted is ahead. Requests keep their times, by which Redis knows them (`posted.py`).
WITH set_back AS (
    SELECT make_interval(secs => :seconds) AS by, ringostat_sync.clock() AS now
), waiting AS (
    UPDATE ringostat_sync.pending SET due_at = due_at - s.by, first_failed_at = first_failed_at - s.by
    FROM set_back AS s WHERE due_at IS NOT NULL OR first_failed_at IS NOT NULL
), in_flight AS (
    UPDATE ringostat_sync.in_flight SET first_failed_at = first_failed_at - s.by FROM set_back AS s WHERE first_failed_at IS NOT NULL
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
    SET
        started_at = started_at - s.by, seen_at = seen_at - s.by, progressed_at = progressed_at - s.by, ended_at = ended_at - s.by
    FROM set_back AS s
), walks AS (
    UPDATE ringostat_sync.walks
    SET requested_at = requested_at - s.by, started_at = started_at - s.by, ended_at = ended_at - s.by, failed_at = failed_at - s.by
    FROM set_back AS s
)
UPDATE ringostat_sync.deliveries SET accepted_at = s.now FROM set_back AS s WHERE accepted_at > s.now
