-- Each source is asked for once a night: by the last time of day `:at` (seconds since midnight, UTC), if that has passed since the
-- last one. A source that is new begins with the next night.
INSERT INTO ringostat_sync.walks AS w (source, purpose, nightly_at)
SELECT name, 'reconcile', ringostat_sync.clock() FROM unnest(CAST(:sources AS text[])) AS s (name)
ON CONFLICT (source, purpose) DO UPDATE SET
    nightly_at = ringostat_sync.clock(),
    requested_at = CASE WHEN w.nightly_at IS NULL THEN w.requested_at ELSE ringostat_sync.clock() END,
    reason = CASE WHEN w.nightly_at IS NULL THEN w.reason ELSE 'nightly' END
WHERE w.nightly_at IS NULL OR w.nightly_at < (
    SELECT CASE WHEN today + at <= now THEN today + at ELSE today + at - interval '1 day' END AT TIME ZONE 'UTC'
    FROM (
        SELECT
            ringostat_sync.clock() AT TIME ZONE 'UTC' AS now, date_trunc('day', ringostat_sync.clock() AT TIME ZONE 'UTC') AS today,
            make_interval(secs => :at) AS at
    ) AS t
)
