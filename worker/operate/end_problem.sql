DELETE FROM ringostat_sync.problems WHERE key = :key
