-- A batch ends with its last contact. The sub-select is no join on purpose: a join would read the contacts of all batches.
DELETE FROM ringostat_sync.batches AS b
WHERE b.id = ANY(CAST(:batches AS bigint[]))
    AND (SELECT true FROM ringostat_sync.in_flight AS f WHERE f.batch_id = b.id LIMIT 1) IS NULL
RETURNING id
