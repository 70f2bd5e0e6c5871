-- Behind live changes, and never over one: their ids are far below zero, and rise with the backfill. A key that the mapping
-- repeats is buried when it is pushed.
INSERT INTO ringostat_sync.pending AS p (project, method, identity, key, source, outbox_id, priority, forced, captured_at)
SELECT project, :method, :identity, key, :source, :done - CAST(4611686018427387904 AS bigint), 2, :forced, ringostat_sync.clock()
FROM (
    SELECT DISTINCT d.project, ringostat_sync.bounded_key(d.key) AS key
    FROM json_to_recordset(CAST(:destinations AS json)) AS d (key text, project bigint)
) AS w
ORDER BY project, key
ON CONFLICT (project, method, identity, key) DO UPDATE SET forced = true
WHERE excluded.forced AND NOT p.forced
