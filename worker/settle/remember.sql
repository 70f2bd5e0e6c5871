-- The documents that the API holds now. `OFFSET 0`: each contact is looked up; a plan made while the table was empty would read all
-- of it.
INSERT INTO ringostat_sync.deliveries AS d (project, method, identity, key, outbox_id, digest, other_external_id, other_lead_id, accepted_at,
    address, source, by_payload)
SELECT
    f.project, f.method, f.identity, f.key, f.outbox_id, decode(w.digest, 'hex'),
    CASE WHEN f.identity <> 'externalId' OR w.external_id <> f.key THEN w.external_id END,
    CASE WHEN f.identity <> 'leadId' OR w.lead_id <> f.key THEN w.lead_id END,
    ringostat_sync.clock(), :address, f.source, f.payload IS NOT NULL
FROM json_to_recordset(CAST(:sent AS json)) AS w (in_flight_id bigint, digest text, external_id text, lead_id text)
CROSS JOIN LATERAL (SELECT * FROM ringostat_sync.in_flight AS i WHERE i.in_flight_id = w.in_flight_id OFFSET 0) AS f
ON CONFLICT (project, method, identity, key) DO UPDATE SET
    outbox_id = greatest(d.outbox_id, excluded.outbox_id),
    digest = excluded.digest,
    other_external_id = excluded.other_external_id,
    other_lead_id = excluded.other_lead_id,
    accepted_at = excluded.accepted_at,
    address = excluded.address,
    source = excluded.source,
    by_payload = d.by_payload AND excluded.by_payload,
    absent_at = NULL
