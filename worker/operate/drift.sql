-- What the last reconciliation of each of the sources has found.
SELECT source, project, method::text, differing, never_sent, gone, finished_at AS at, held
FROM ringostat_sync.reconciliations
WHERE source = ANY(CAST(:sources AS text[]))
ORDER BY source
