-- Move the wanted contacts from `pending` into their batches. The primary key of `in_flight` backs the lock.
-- OFFSET 0 keeps the lane a column: as constants, and with the statistics of a moment in which `pending` was empty, all of
-- the lane would be read for each contact.
WITH claimed AS (
    DELETE FROM ringostat_sync.pending AS p
    USING (
        SELECT CAST(:project AS bigint) AS project, CAST(:method AS ringostat_sync.method) AS method, w.*
        FROM unnest(
            CAST(:identities AS ringostat_sync.identity[]), CAST(:keys AS text[]), CAST(:batches AS bigint[]), CAST(:places AS int[])
        ) AS w (identity, key, batch_id, place)
        OFFSET 0
    ) AS wanted
    WHERE p.project = wanted.project AND p.method = wanted.method AND p.identity = wanted.identity AND p.key = wanted.key
    RETURNING p.*, wanted.batch_id, wanted.place
)
INSERT INTO ringostat_sync.in_flight (
    project, method, identity, key, batch_id, place, source, outbox_id, payload, priority, attempts, losses, forced, captured_at
)
SELECT
    project, method, identity, key, batch_id, place, source, outbox_id, payload, priority, attempts, losses, forced, captured_at
FROM claimed
