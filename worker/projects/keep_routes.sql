INSERT INTO ringostat_sync.routes (source, key, project)
SELECT :source, r.key, r.project FROM json_to_recordset(CAST(:routed AS json)) AS r (key text, project bigint)
ORDER BY r.key, r.project
ON CONFLICT DO NOTHING
