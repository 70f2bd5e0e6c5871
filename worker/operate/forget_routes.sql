DELETE FROM ringostat_sync.routes WHERE source = ANY(CAST(:sources AS text[])) AND key = :key
