UPDATE ringostat_sync.batches SET accepted = true WHERE id = :batch AND NOT accepted
