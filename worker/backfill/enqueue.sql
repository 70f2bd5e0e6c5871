-- Behind live changes, and never over one: their ids are far below zero, and rise with the backfill. A key that the mapping
-- repeats is buried when it is pushed.
INSERT INTO ringostat_sync.pending AS p (project, method, identity, key, source, outbox_id, priority, forced, captured_at)
SELECT :project, :method, :identity, key, :source, :done - CAST(4611686018427387904 AS bigint), 2, :forced, ringostat_sync.clock()
FROM (
    SELECT DISTINCT ringostat_sync.bounded_key(key) AS key
    FROM unnest(CAST(:keys AS text[])) AS k (key)
) AS w
ORDER BY key
ON CONFLICT (project, method, identity, key) DO UPDATE SET forced = true
WHERE excluded.forced AND NOT p.forced
