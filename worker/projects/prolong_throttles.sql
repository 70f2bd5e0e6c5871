-- Count a 429, unless its request left before half of the last throttle was over: then it had not heard of that. Returns how many.
INSERT INTO ringostat_sync.service_health AS h (project, throttles, throttled_at)
VALUES (:project, 1, ringostat_sync.clock())
ON CONFLICT (project) DO UPDATE SET (throttles, throttled_at) = (
    SELECT
        CASE WHEN r.is_early THEN greatest(h.throttles, 1) ELSE h.throttles + 1 END,
        CASE WHEN r.is_early THEN h.throttled_at ELSE excluded.throttled_at END
    FROM (
        SELECT (SELECT posted_at FROM ringostat_sync.requests WHERE id = :request)
            < h.throttled_at + (h.throttled_until - h.throttled_at) / 2 AS is_early
    ) AS r
)
RETURNING throttles
