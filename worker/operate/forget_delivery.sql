DELETE FROM ringostat_sync.deliveries
WHERE project = :project AND method = :method AND identity = :identity AND key = ringostat_sync.bounded_key(:key)
