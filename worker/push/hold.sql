-- Take the ids of the wire; what another batch holds is not returned. Sorted, so that two batches can't wait for each other.
INSERT INTO ringostat_sync.held_ids (project, method, kind, wire_id, batch_id, place)
SELECT :project, :method, kind, wire_id, :batch, place
FROM unnest(CAST(:kinds AS ringostat_sync.identity[]), CAST(:ids AS text[]), CAST(:places AS int[])) AS w (kind, wire_id, place)
ORDER BY kind, wire_id
ON CONFLICT DO NOTHING
