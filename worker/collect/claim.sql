-- Move the wanted contacts from `pending` into their batches, in order. `candidates` has locked their rows, so that each is still
-- where it was found. The primary key of `in_flight` backs the lock.
WITH wanted AS (
    SELECT "row", batch, row_number() OVER () AS turn
    FROM json_to_recordset(CAST(:claimed AS json)) AS w ("row" tid, batch bigint)
), claimed AS (
    DELETE FROM ringostat_sync.pending AS p
    USING wanted AS w
    WHERE p.ctid = w."row"
    RETURNING p.*, w.batch, w.turn
)
INSERT INTO ringostat_sync.in_flight (
    project, method, identity, key, batch_id, source, outbox_id, payload, priority, attempts, losses, forced, captured_at
)
SELECT
    project, method, identity, key, batch, source, outbox_id, payload, priority, attempts, losses, forced, captured_at
FROM claimed
ORDER BY turn
