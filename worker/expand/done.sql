DELETE FROM ringostat_sync.expansions WHERE source = :source AND outbox_id = :outbox_id
