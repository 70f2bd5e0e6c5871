-- No source returns these contacts any more: no reconciliation has to say so again. `OFFSET 0`: as in `remember`.
UPDATE ringostat_sync.deliveries AS d
SET absent_at = ringostat_sync.clock()
FROM (SELECT * FROM ringostat_sync.in_flight WHERE in_flight_id = ANY(CAST(:in_flight_ids AS bigint[])) OFFSET 0) AS f
WHERE d.project = f.project AND d.method = f.method AND d.identity = f.identity AND d.key = f.key AND d.absent_at IS NULL
