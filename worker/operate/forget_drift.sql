-- What a reconciliation holds of the contact goes; a walk that has come as far as its key begins anew.
WITH stopped AS (
    UPDATE ringostat_sync.walks SET last_key = NULL, started_at = NULL, is_over = false, requested_at = ringostat_sync.clock()
    WHERE source = ANY(CAST(:sources AS text[])) AND last_key = :key
)
DELETE FROM ringostat_sync.drifted WHERE source = ANY(CAST(:sources AS text[])) AND key = ringostat_sync.bounded_key(:key)
