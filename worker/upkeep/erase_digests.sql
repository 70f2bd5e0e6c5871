-- A chunk of digests from before an incident: what the API holds of these contacts is unknown. Those that are being settled come later.
UPDATE ringostat_sync.deliveries SET digest = NULL
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM ringostat_sync.deliveries
    WHERE digest IS NOT NULL AND accepted_at < :noticed_at
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
))
