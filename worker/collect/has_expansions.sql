SELECT EXISTS (SELECT FROM ringostat_sync.expansions WHERE source = ANY(CAST(:sources AS text[])))
