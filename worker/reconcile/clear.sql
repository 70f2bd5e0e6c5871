DELETE FROM ringostat_sync.drifted WHERE source = :source
