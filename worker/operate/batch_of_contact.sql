-- The batch in which this contact is, or another contact whose document bears its id.
SELECT batch_id FROM ringostat_sync.in_flight
WHERE project = :project AND method = :method AND identity = :identity AND key = ringostat_sync.bounded_key(:key)
UNION ALL
SELECT f.batch_id
FROM ringostat_sync.reserved_ids AS h JOIN ringostat_sync.in_flight AS f ON f.in_flight_id = h.in_flight_id
WHERE h.project = :project AND h.method = :method AND h.kind = :identity AND h.wire_id = :key
LIMIT 1
