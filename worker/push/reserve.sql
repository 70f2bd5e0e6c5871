-- Reserve the ids that documents bear beside their contacts' own keys, under the leases of their batches. Returns the contacts (in-flight ids) one of
-- whose ids is reserved elsewhere. Batches and ids are locked in order, so that two pushes can't wait for each other.
-- `ANY`, and the last sub-select, which is no join: what is wanted is looked up. A join alone, planned while the table was empty,
-- would read all of it, dead rows too.
WITH leased AS (
    SELECT * FROM json_to_recordset(CAST(:batches AS json)) AS w (batch bigint, token int)
), mine AS (
    SELECT b.id
    FROM ringostat_sync.batches AS b
    JOIN leased AS w ON b.id = w.batch AND b.token = w.token
    WHERE b.state = 'pushing' AND b.id = ANY(ARRAY(SELECT batch FROM leased))
    ORDER BY b.id
    FOR UPDATE OF b
), wanted AS (
    SELECT w.*
    FROM json_to_recordset(CAST(:ids AS json)) AS w (batch bigint, in_flight_id bigint, kind ringostat_sync.identity, wire_id text)
    JOIN mine AS m ON m.id = w.batch
), taken AS (
    INSERT INTO ringostat_sync.reserved_ids (project, method, kind, wire_id, in_flight_id)
    SELECT :project, :method, kind, wire_id, in_flight_id FROM wanted ORDER BY kind, wire_id
    ON CONFLICT DO NOTHING
    RETURNING kind, wire_id
), missing AS MATERIALIZED (
    SELECT w.in_flight_id, w.kind, w.wire_id FROM wanted AS w
    WHERE NOT EXISTS (SELECT FROM taken AS t WHERE t.kind = w.kind AND t.wire_id = w.wire_id)
)
SELECT m.in_flight_id FROM missing AS m
WHERE (
    SELECT true FROM ringostat_sync.reserved_ids AS h
    WHERE h.project = :project AND h.method = :method AND h.kind = m.kind AND h.wire_id = m.wire_id AND h.in_flight_id = m.in_flight_id
) IS NULL
