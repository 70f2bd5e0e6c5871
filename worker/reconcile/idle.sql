-- Contacts that neither wait nor are in flight.
SELECT w.key FROM unnest(CAST(:keys AS text[])) AS w (key)
WHERE NOT EXISTS (
        SELECT FROM ringostat_sync.pending AS p
        WHERE p.project = :project AND p.method = :method AND p.identity = :identity AND p.key = w.key
    )
    AND NOT EXISTS (
        SELECT FROM ringostat_sync.in_flight AS f
        WHERE f.project = :project AND f.method = :method AND f.identity = :identity AND f.key = w.key
    )
