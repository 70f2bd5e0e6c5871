UPDATE ringostat_sync.backfills SET after_key = :after_key, done = :done
WHERE source = :source AND condition = :condition AND forced = :forced
