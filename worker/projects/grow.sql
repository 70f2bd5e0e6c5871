UPDATE ringostat_sync.lanes SET batch_limit = :limit
WHERE project = :project AND method = :method AND batch_limit = :old
