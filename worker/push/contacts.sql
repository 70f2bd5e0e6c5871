-- `+ 0`: sorted here; to read the index of places in its order would be to read the contacts of all batches, and dead rows.
SELECT
    identity, key, batch_id, place, part, source, outbox_id, payload, attempts, losses, forced,
    suspect_status, suspect_answer, suspect_document
FROM ringostat_sync.in_flight
WHERE batch_id = ANY(CAST(:batches AS bigint[]))
ORDER BY place + 0
