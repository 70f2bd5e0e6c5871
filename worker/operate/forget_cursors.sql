-- A stopped backfill that had come as far as this key starts over when it is resumed: contacts in twice do no harm.
UPDATE ringostat_sync.backfills SET last_key = NULL, done = 0
WHERE source = ANY(CAST(:sources AS text[])) AND last_key = :key
