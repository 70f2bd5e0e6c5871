-- `+ 0`: sorted here; to read the index of in_flight_ids in its order would be to read the contacts of all batches, and dead rows.
SELECT
    identity, key, batch_id, in_flight_id, slice, source, outbox_id, payload, attempts, lost_leases, forced,
    refusal_status, refusal_answer, refusal_document, first_failed_at
FROM ringostat_sync.in_flight
WHERE batch_id = ANY(CAST(:batches AS bigint[]))
ORDER BY in_flight_id + 0
