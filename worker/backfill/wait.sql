-- Behind live changes, and never over one: their ids are far below zero, and rise with the backfill. A key that the mapping
-- repeats is buried when it is pushed. One too long for an index is cut short as in `take_in.sql`.
INSERT INTO ringostat_sync.pending AS p (project, method, identity, key, source, outbox_id, priority, forced, captured_at)
SELECT :project, :method, :identity, key, :source, :done - CAST(4611686018427387904 AS bigint), 2, :forced, ringostat_sync.clock()
FROM (
    SELECT DISTINCT CASE WHEN length(key) > CAST(:longest_key AS int)
        THEN left(key, CAST(:longest_key AS int) - 64) || '…' || encode(sha256(convert_to(key, 'UTF8')), 'hex') ELSE key END AS key
    FROM unnest(CAST(:keys AS text[])) AS k (key)
) AS w
ORDER BY key
ON CONFLICT (project, method, identity, key) DO UPDATE SET forced = true
WHERE excluded.forced AND NOT p.forced
