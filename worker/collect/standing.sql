-- What bounds a project's next batches: how many are under way, how many of those have no grant yet, what a 413 taught.
SELECT
    count(*) AS under_way,
    count(*) FILTER (WHERE NOT posted) AS without_grant,
    count(*) FILTER (WHERE method = :method) AS of_method,
    (SELECT batch_limit FROM ringostat_sync.lanes WHERE project = :project AND method = :method) AS batch_limit
FROM ringostat_sync.batches
WHERE project = :project AND state <> 'postponed'
