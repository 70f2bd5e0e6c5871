UPDATE ringostat_sync.backfills SET last_key = :last_key, done = :done
WHERE source = :source AND condition = :condition AND forced = :forced
