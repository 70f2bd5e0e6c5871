-- Open batches, and move the wanted contacts from `pending` into them, in order; returns the batches' ids. `candidates` has locked
-- the contacts' rows, so that each is still where it was found. The primary key of `in_flight` backs the lock. The lane's row is made here: made by
-- a settlement, it would have the others wait for that.
WITH known AS (
    INSERT INTO ringostat_sync.lanes (project, method)
    SELECT :project, :method
    WHERE NOT EXISTS (SELECT FROM ringostat_sync.lanes WHERE project = :project AND method = :method)
    ON CONFLICT DO NOTHING
), opened AS (
    INSERT INTO ringostat_sync.batches (project, method, size, probe)
    SELECT :project, :method, size, :probe
    FROM unnest(CAST(:sizes AS int[])) WITH ORDINALITY AS s (size, turn)
    ORDER BY turn
    RETURNING id
), numbered AS (
    SELECT id, row_number() OVER (ORDER BY id) AS number FROM opened
), wanted AS (
    SELECT "row", batch, row_number() OVER () AS turn
    FROM json_to_recordset(CAST(:wanted AS json)) AS w ("row" tid, batch bigint)
), claimed AS (
    DELETE FROM ringostat_sync.pending AS p
    USING wanted AS w
    WHERE p.ctid = w."row"
    RETURNING p.*, w.batch, w.turn
), moved AS (
    INSERT INTO ringostat_sync.in_flight (
        project, method, identity, key, batch_id, source, outbox_id, payload, priority, attempts, lost_leases, forced, captured_at,
        first_failed_at
    )
    SELECT
        c.project, c.method, c.identity, c.key, n.id, c.source, c.outbox_id, c.payload, c.priority, c.attempts, c.lost_leases, c.forced,
        c.captured_at, c.first_failed_at
    FROM claimed AS c JOIN numbered AS n ON n.number = c.batch
    ORDER BY c.turn
)
SELECT id FROM numbered ORDER BY id
