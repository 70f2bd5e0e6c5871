-- A batch ends with its last contact.
DELETE FROM ringostat_sync.batches AS b
WHERE b.id = :batch AND NOT EXISTS (SELECT FROM ringostat_sync.in_flight AS f WHERE f.batch_id = b.id)
