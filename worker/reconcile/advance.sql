UPDATE ringostat_sync.walks
SET last_key = :last_key, known = :known, differing = :differing, never_sent = :never_sent, gone = :gone
WHERE source = :source AND purpose = :purpose
