INSERT INTO ringostat_sync.batches (project, method, size, probe)
SELECT :project, :method, size, :probe
FROM unnest(CAST(:sizes AS int[])) WITH ORDINALITY AS s (size, turn)
ORDER BY turn
RETURNING id
