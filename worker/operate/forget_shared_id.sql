-- Other contacts whose documents bore this one's id: without it nobody would know that a later document under that id
-- overwrites theirs, so their digests go too, and they are sent again with their next change.
UPDATE ringostat_sync.deliveries
SET digest = NULL,
    other_external_id = CASE WHEN :identity = 'externalId' AND other_external_id = :key THEN NULL ELSE other_external_id END,
    other_lead_id = CASE WHEN :identity = 'leadId' AND other_lead_id = :key THEN NULL ELSE other_lead_id END
WHERE project = :project AND method = :method
    AND ((:identity = 'externalId' AND other_external_id = :key) OR (:identity = 'leadId' AND other_lead_id = :key))
