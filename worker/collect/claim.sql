-- Move the wanted contacts from `pending` into their batches. The primary key of `in_flight` backs the lock.
WITH claimed AS (
    DELETE FROM ringostat_sync.pending AS p
    USING unnest(
        CAST(:identities AS ringostat_sync.identity[]), CAST(:keys AS text[]), CAST(:batches AS bigint[]), CAST(:places AS int[])
    ) AS wanted (identity, key, batch_id, place)
    WHERE p.project = :project AND p.method = :method AND p.identity = wanted.identity AND p.key = wanted.key
    RETURNING p.*, wanted.batch_id, wanted.place
)
INSERT INTO ringostat_sync.in_flight (
    project, method, identity, key, batch_id, place, source, outbox_id, payload, priority, attempts, losses, forced, captured_at
)
SELECT
    project, method, identity, key, batch_id, place, source, outbox_id, payload, priority, attempts, losses, forced, captured_at
FROM claimed
