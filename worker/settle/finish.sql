-- A batch ends with its last contact.
DELETE FROM ringostat_sync.batches AS b
WHERE b.id = ANY(CAST(:batches AS bigint[])) AND NOT EXISTS (SELECT FROM ringostat_sync.in_flight AS f WHERE f.batch_id = b.id)
RETURNING id
