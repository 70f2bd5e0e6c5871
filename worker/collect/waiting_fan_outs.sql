SELECT outbox_id FROM ringostat_sync.fan_outs WHERE source = :source
