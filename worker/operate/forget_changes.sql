DELETE FROM ringostat_sync.outbox WHERE source = ANY(CAST(:sources AS text[])) AND key = :key
