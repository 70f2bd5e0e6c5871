-- A stopped backfill that had come as far as this key starts over when it is resumed: contacts in twice do no harm.
UPDATE ringostat_sync.backfills SET after_key = NULL, done = 0
WHERE source = ANY(CAST(:sources AS text[])) AND after_key = :key
