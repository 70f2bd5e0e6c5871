DELETE FROM ringostat_sync.pending
WHERE project = :project AND method = :method AND identity = :identity AND key = :key
