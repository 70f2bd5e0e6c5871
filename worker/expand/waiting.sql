SELECT outbox_id FROM ringostat_sync.expansions WHERE source = :source
