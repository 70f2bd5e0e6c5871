-- A database that went back is as it should be when every source was compared after nothing old was believed any more.
UPDATE ringostat_sync.incidents AS i SET closed_at = ringostat_sync.clock()
WHERE i.kind = 'went_back' AND i.closed_at IS NULL AND i.erased_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM unnest(CAST(:sources AS text[])) AS s (name)
    WHERE NOT EXISTS (
        SELECT FROM ringostat_sync.reconciliations AS r
        WHERE r.source = s.name AND r.started_at >= i.erased_at AND NOT r.held
    )
)
