-- The polled sources whose turn it is: under way, never read, or last read longer ago than their interval.
SELECT s.source
FROM unnest(CAST(:sources AS text[]), CAST(:intervals AS float8[])) AS s (source, seconds)
LEFT JOIN ringostat_sync.walks AS w ON w.source = s.source AND w.purpose = 'poll'
WHERE (w.failed_at IS NULL OR w.failed_at < ringostat_sync.clock() - make_interval(secs => least(s.seconds, :patience)))
    AND (w.started_at IS NOT NULL OR w.ended_at IS NULL OR w.ended_at <= ringostat_sync.clock() - make_interval(secs => s.seconds))
ORDER BY coalesce(w.started_at, w.ended_at) NULLS FIRST
