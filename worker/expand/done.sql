DELETE FROM ringostat_sync.expansions WHERE source = :source AND outbox_id = ANY(CAST(:outbox_ids AS bigint[]))
