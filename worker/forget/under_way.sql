-- The batch in which this contact is, or another contact whose document bears its id.
SELECT batch_id FROM ringostat_sync.in_flight
WHERE project = :project AND method = :method AND identity = :identity AND key = :key
UNION ALL
SELECT batch_id FROM ringostat_sync.held_ids
WHERE project = :project AND method = :method AND kind = :identity AND wire_id = :key
LIMIT 1
