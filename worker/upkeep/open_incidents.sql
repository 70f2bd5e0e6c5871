SELECT kind, noticed_at, erased_at FROM ringostat_sync.incidents WHERE closed_at IS NULL ORDER BY noticed_at
