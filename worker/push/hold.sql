-- Take the ids of the wire under the lease; what another batch holds is not returned. Sorted, so that two batches can't wait
-- for each other. No row at all: the batch is no longer ours; a row without ids tells that it is.
WITH mine AS (
    SELECT id, project, method FROM ringostat_sync.batches
    WHERE id = :batch AND token = :token AND state = 'pushing'
    FOR UPDATE
), taken AS (
    INSERT INTO ringostat_sync.held_ids (project, method, kind, wire_id, batch_id, place)
    SELECT m.project, m.method, w.kind, w.wire_id, m.id, w.place
    FROM mine AS m
    CROSS JOIN unnest(CAST(:kinds AS ringostat_sync.identity[]), CAST(:ids AS text[]), CAST(:places AS int[])) AS w (kind, wire_id, place)
    ORDER BY w.kind, w.wire_id
    ON CONFLICT DO NOTHING
    RETURNING kind, wire_id, place
)
SELECT kind, wire_id, place FROM taken
UNION ALL
SELECT h.kind, h.wire_id, h.place FROM ringostat_sync.held_ids AS h JOIN mine AS m ON m.id = h.batch_id
UNION ALL
SELECT NULL, NULL, NULL FROM mine
