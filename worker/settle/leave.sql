-- Contacts that are done leave their batches, and let go of their ids. The dead letters of those that were sent, unchanged,
-- absent or superseded close;
-- a dead letter ends when its contact is read anew, or when a newer document arrives: an older payload says nothing of what failed.
WITH gone AS (
    DELETE FROM ringostat_sync.in_flight
    WHERE in_flight_id = ANY(CAST(:in_flight_ids AS bigint[]))
    RETURNING project, method, identity, key, outbox_id, payload, in_flight_id
), released AS (
    DELETE FROM ringostat_sync.reserved_ids
    WHERE in_flight_id = ANY(CAST(:in_flight_ids AS bigint[]))
), tallied AS (
    INSERT INTO ringostat_sync.settlements (project, method, sent, unchanged, absent)
    SELECT :project, :method, :sent, :unchanged, :absent
    WHERE CAST(:sent AS int) + CAST(:unchanged AS int) + CAST(:absent AS int) > 0
)
UPDATE ringostat_sync.dead_letters AS l
SET state = 'closed', closed_at = ringostat_sync.clock()
FROM gone AS f
WHERE f.in_flight_id = ANY(CAST(:settled AS bigint[]))
    AND l.project = f.project AND l.method = f.method AND l.identity = f.identity AND l.key = f.key
    AND l.state IN ('open', 'requeued')
    AND (l.outbox_id <= f.outbox_id OR (l.payload IS NULL AND f.payload IS NULL))
