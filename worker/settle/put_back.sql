-- Contacts wait again, those of one delay until the very same moment, so that they travel together again. Where a newer
-- change of one waits already, that one is kept and this one is superseded; the force stays. `ANY`: as in `slice`.
WITH told AS (
    SELECT * FROM json_to_recordset(CAST(:contacts AS json)) AS w (in_flight_id bigint, after float8, counted int, lost int)
), gone AS (
    DELETE FROM ringostat_sync.in_flight AS f
    USING told AS w
    WHERE f.in_flight_id = w.in_flight_id AND f.in_flight_id = ANY(ARRAY(SELECT in_flight_id FROM told))
    RETURNING f.*, w.after, w.counted, w.lost
)
INSERT INTO ringostat_sync.pending AS p (
    project, method, identity, key, source, outbox_id, payload, priority, attempts, lost_leases, forced, captured_at,
    first_failed_at, due_at
)
SELECT
    project, method, identity, key, source, outbox_id, payload, priority, least(attempts + counted, 32767), least(lost_leases + lost, 32767), forced,
    captured_at, coalesce(first_failed_at, CASE WHEN counted > 0 THEN (SELECT ringostat_sync.clock()) END),
    CASE WHEN after > 0 THEN (SELECT ringostat_sync.clock()) + make_interval(secs => after) END
FROM gone
ORDER BY identity, key
ON CONFLICT (project, method, identity, key) DO UPDATE SET
    (source, outbox_id, payload, attempts, lost_leases, first_failed_at, due_at) = (
        SELECT n.source, n.outbox_id, n.payload, n.attempts, n.lost_leases, n.first_failed_at, n.due_at
        FROM (VALUES
            (1, p.source, p.outbox_id, p.payload, p.attempts, p.lost_leases, p.first_failed_at, p.due_at),
            (2, excluded.source, excluded.outbox_id, excluded.payload, excluded.attempts, excluded.lost_leases,
                excluded.first_failed_at, excluded.due_at)
        ) AS n (turn, source, outbox_id, payload, attempts, lost_leases, first_failed_at, due_at)
        ORDER BY n.outbox_id DESC, n.turn
        LIMIT 1
    ),
    priority = least(p.priority, excluded.priority),
    forced = p.forced OR excluded.forced,
    captured_at = least(p.captured_at, excluded.captured_at)
