-- The sources whose turn it is, the one that has waited longest first.
SELECT source FROM ringostat_sync.walks
WHERE purpose = 'reconcile' AND source = ANY(CAST(:sources AS text[])) AND (requested_at IS NOT NULL OR started_at IS NOT NULL)
    AND (failed_at IS NULL OR failed_at < ringostat_sync.clock() - make_interval(secs => :patience))
ORDER BY coalesce(started_at, requested_at)
