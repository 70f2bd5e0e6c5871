-- Contacts that differ stay apart until the walk is over: only then is known whether they are too many.
INSERT INTO ringostat_sync.drifted (source, key, project, kind)
SELECT :source, w.key, w.project, w.kind
FROM json_to_recordset(CAST(:drift AS json)) AS w (key text, project bigint, kind text)
ORDER BY w.key, w.project
ON CONFLICT (source, key, project) DO UPDATE SET kind = excluded.kind
