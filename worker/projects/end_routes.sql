-- The contact has moved: its last change waits in the project that it left, where it ends as absent.
DELETE FROM ringostat_sync.routes AS r
USING json_to_recordset(CAST(:left AS json)) AS l (key text, project bigint)
WHERE r.source = :source AND r.key = l.key AND r.project = l.project
