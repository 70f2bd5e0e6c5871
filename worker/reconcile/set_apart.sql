-- Contacts that differ stay apart until the walk is over: only then is known whether they are too many.
INSERT INTO ringostat_sync.drifted (source, key, kind)
SELECT :source, w.key, w.kind
FROM json_to_recordset(CAST(:drift AS json)) AS w (key text, kind text)
ORDER BY w.key
ON CONFLICT (source, key) DO UPDATE SET kind = excluded.kind
