UPDATE ringostat_sync.batches SET accepted = true WHERE id = ANY(CAST(:batches AS bigint[])) AND NOT accepted
