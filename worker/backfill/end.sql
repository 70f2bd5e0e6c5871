DELETE FROM ringostat_sync.backfills WHERE source = :source AND condition = :condition AND forced = :forced
