UPDATE ringostat_sync.incidents SET erased_at = ringostat_sync.clock()
WHERE kind = 'went_back' AND closed_at IS NULL AND erased_at IS NULL AND NOT EXISTS (
    SELECT FROM ringostat_sync.deliveries AS d WHERE d.digest IS NOT NULL AND d.accepted_at < noticed_at
)
