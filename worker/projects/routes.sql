-- The projects that have these keys of a routed source, as far as we know.
SELECT key, project FROM ringostat_sync.routes WHERE source = :source AND key = ANY(CAST(:keys AS text[])) ORDER BY key, project
