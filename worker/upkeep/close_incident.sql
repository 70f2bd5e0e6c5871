UPDATE ringostat_sync.incidents SET closed_at = ringostat_sync.clock() WHERE kind = :kind AND closed_at IS NULL
