-- Contacts that are done leave their batches, and let go of their ids. The dead letters of those that were sent, unchanged,
-- absent or superseded close;
-- a dead letter ends when its contact is read anew, or when a newer document arrives: an older payload says nothing of what failed.
WITH gone AS (
    DELETE FROM ringostat_sync.in_flight
    WHERE in_flight_id = ANY(CAST(:in_flight_ids AS bigint[]))
    RETURNING project, method, identity, key, outbox_id, payload, in_flight_id, captured_at
), delivered AS (
    SELECT w.seconds, width_bucket(w.seconds, CAST(:bounds AS float8[])) AS bucket
    FROM (
        SELECT greatest(extract(epoch FROM (SELECT ringostat_sync.clock()) - captured_at), 0)::float8 AS seconds
        FROM gone WHERE in_flight_id = ANY(CAST(:sent_ids AS bigint[]))
    ) AS w
), counted AS (
    SELECT bucket, count(*) AS contacts FROM delivered GROUP BY bucket
), released AS (
    DELETE FROM ringostat_sync.reserved_ids
    WHERE in_flight_id = ANY(CAST(:in_flight_ids AS bigint[]))
), tallied AS (
    INSERT INTO ringostat_sync.settlements (
        project, method, sent, unchanged, absent, superseded, buried, delivery_seconds, delivery_buckets
    )
    SELECT
        :project, :method, :sent, :unchanged, :absent, :superseded, :buried,
        coalesce((SELECT sum(seconds) FROM delivered), 0),
        CASE WHEN CAST(:sent AS int) > 0 THEN ARRAY(
            SELECT coalesce(c.contacts, 0)
            FROM generate_series(0, cardinality(CAST(:bounds AS float8[]))) AS s (bucket)
            LEFT JOIN counted AS c ON c.bucket = s.bucket
            ORDER BY s.bucket
        ) END
)
UPDATE ringostat_sync.dead_letters AS l
SET state = 'closed', closed_at = ringostat_sync.clock()
FROM gone AS f
WHERE f.in_flight_id = ANY(CAST(:settled AS bigint[]))
    AND l.project = f.project AND l.method = f.method AND l.identity = f.identity AND l.key = f.key
    AND l.state IN ('open', 'requeued')
    AND (l.outbox_id <= f.outbox_id OR (l.payload IS NULL AND f.payload IS NULL))
