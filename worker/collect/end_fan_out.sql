DELETE FROM ringostat_sync.fan_outs WHERE source = :source AND outbox_id = ANY(CAST(:outbox_ids AS bigint[]))
