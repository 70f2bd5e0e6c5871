DELETE FROM ringostat_sync.dead_letters
WHERE project = :project AND method = :method AND identity = :identity AND key = ringostat_sync.bounded_key(:key)
