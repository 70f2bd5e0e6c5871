UPDATE ringostat_sync.walks SET reaching = :reaching WHERE source = :source AND purpose = :purpose
