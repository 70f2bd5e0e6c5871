SELECT e.source, e.outbox_id, e.watch, e.changed::text AS changed, e.captured_at, w.table_name, w.keys
FROM ringostat_sync.expansions AS e LEFT JOIN ringostat_sync.watches AS w ON w.id = e.watch
WHERE e.source = ANY(CAST(:sources AS text[]))
ORDER BY e.outbox_id
LIMIT 1
