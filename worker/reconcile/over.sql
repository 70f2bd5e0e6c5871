UPDATE ringostat_sync.walks SET is_over = true WHERE source = :source AND purpose = :purpose AND started_at IS NOT NULL
