INSERT INTO ringostat_sync.backfills AS b (source, condition, forced)
VALUES (:source, :condition, :forced)
ON CONFLICT (source, condition, forced) DO UPDATE SET done = b.done
RETURNING done, last_key, started_at
