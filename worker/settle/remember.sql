-- The documents that the API holds now.
INSERT INTO ringostat_sync.deliveries AS d (project, method, identity, key, outbox_id, digest, other_external_id, other_lead_id, accepted_at)
SELECT
    f.project, f.method, f.identity, f.key, f.outbox_id, w.digest,
    CASE WHEN f.identity <> 'externalId' OR w.external_id <> f.key THEN w.external_id END,
    CASE WHEN f.identity <> 'leadId' OR w.lead_id <> f.key THEN w.lead_id END,
    ringostat_sync.clock()
FROM unnest(CAST(:places AS int[]), CAST(:digests AS bytea[]), CAST(:external_ids AS text[]), CAST(:lead_ids AS text[]))
    AS w (place, digest, external_id, lead_id)
JOIN ringostat_sync.in_flight AS f ON f.batch_id = :batch AND f.place = w.place
ON CONFLICT (project, method, identity, key) DO UPDATE SET
    outbox_id = greatest(d.outbox_id, excluded.outbox_id),
    digest = excluded.digest,
    other_external_id = excluded.other_external_id,
    other_lead_id = excluded.other_lead_id,
    accepted_at = excluded.accepted_at
