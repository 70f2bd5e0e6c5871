-- What the API holds of these contacts, and of every other contact that shares an id with them, is unknown from here on.
-- With `own` false the contacts themselves are spared: their documents were accepted, and overwrote the others'.
WITH here AS (
    SELECT project, method, identity, key FROM ringostat_sync.in_flight WHERE in_flight_id = ANY(CAST(:in_flight_ids AS bigint[]))
), reserved AS (
    SELECT project, method, identity AS kind, key AS wire_id FROM here
    UNION ALL
    SELECT project, method, kind, wire_id FROM ringostat_sync.reserved_ids WHERE in_flight_id = ANY(CAST(:in_flight_ids AS bigint[]))
), touched AS (
    SELECT d.project, d.method, d.identity, d.key
    FROM reserved AS h JOIN ringostat_sync.deliveries AS d
        ON d.project = h.project AND d.method = h.method AND d.identity = h.kind AND d.key = h.wire_id
    UNION ALL
    SELECT d.project, d.method, d.identity, d.key
    FROM reserved AS h JOIN ringostat_sync.deliveries AS d
        ON d.project = h.project AND d.method = h.method AND d.other_external_id = h.wire_id
    WHERE h.kind = 'externalId'
    UNION ALL
    SELECT d.project, d.method, d.identity, d.key
    FROM reserved AS h JOIN ringostat_sync.deliveries AS d
        ON d.project = h.project AND d.method = h.method AND d.other_lead_id = h.wire_id
    WHERE h.kind = 'leadId'
)
UPDATE ringostat_sync.deliveries AS d
SET digest = NULL
FROM touched AS t
WHERE d.project = t.project AND d.method = t.method AND d.identity = t.identity AND d.key = t.key AND d.digest IS NOT NULL
    AND (:own OR NOT EXISTS (SELECT FROM here AS o WHERE o.identity = t.identity AND o.key = t.key))
