SELECT EXISTS (
    SELECT FROM ringostat_sync.pending
    WHERE project = :project AND method = :method AND priority = 2 AND source = :source
)
