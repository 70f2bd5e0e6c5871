-- Take the ids that documents bear beside their contacts' own keys, under the leases of their batches. Returns the places one of
-- whose ids is held elsewhere. Batches and ids are locked in order, so that two pushes can't wait for each other.
-- `ANY`, and the last sub-select, which is no join: what is wanted is looked up. A join alone, planned while the table was empty,
-- would read all of it, dead rows too.
WITH convoy AS (
    SELECT * FROM json_to_recordset(CAST(:batches AS json)) AS w (batch bigint, token int)
), mine AS (
    SELECT b.id
    FROM ringostat_sync.batches AS b
    JOIN convoy AS w ON b.id = w.batch AND b.token = w.token
    WHERE b.state = 'pushing' AND b.id = ANY(ARRAY(SELECT batch FROM convoy))
    ORDER BY b.id
    FOR UPDATE OF b
), wanted AS (
    SELECT w.*
    FROM json_to_recordset(CAST(:ids AS json)) AS w (batch bigint, place bigint, kind ringostat_sync.identity, wire_id text)
    JOIN mine AS m ON m.id = w.batch
), taken AS (
    INSERT INTO ringostat_sync.held_ids (project, method, kind, wire_id, place)
    SELECT :project, :method, kind, wire_id, place FROM wanted ORDER BY kind, wire_id
    ON CONFLICT DO NOTHING
    RETURNING kind, wire_id
), missing AS MATERIALIZED (
    SELECT w.place, w.kind, w.wire_id FROM wanted AS w
    WHERE NOT EXISTS (SELECT FROM taken AS t WHERE t.kind = w.kind AND t.wire_id = w.wire_id)
)
SELECT m.place FROM missing AS m
WHERE (
    SELECT true FROM ringostat_sync.held_ids AS h
    WHERE h.project = :project AND h.method = :method AND h.kind = m.kind AND h.wire_id = m.wire_id AND h.place = m.place
) IS NULL
