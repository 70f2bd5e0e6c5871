-- What bounds a project's next batches: how many are under way, how many of those have posted nothing yet, what a 413 taught, a pause;
-- and whether contacts are due that have waited for their next try.
WITH paused AS (
    SELECT reason, until FROM ringostat_sync.pauses WHERE project = :project AND coalesce(method = :method, true)
)
SELECT
    count(*) AS under_way,
    count(*) FILTER (WHERE NOT posted) AS without_permit,
    count(*) FILTER (WHERE method = :method) AS of_method,
    (SELECT batch_limit FROM ringostat_sync.lanes WHERE project = :project AND method = :method) AS batch_limit,
    (SELECT reason FROM paused) AS paused,
    (SELECT until <= ringostat_sync.clock() FROM paused) AS probe_due,
    coalesce((
        SELECT due_at FROM ringostat_sync.pending
        WHERE project = :project AND method = :method AND due_at IS NOT NULL
        ORDER BY due_at LIMIT 1
    ) <= (SELECT ringostat_sync.clock()), false) AS is_any_due
FROM ringostat_sync.batches
WHERE project = :project AND state <> 'snoozed'
