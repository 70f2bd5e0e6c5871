-- The oldest changed row that waits, of these sources; the oldest of each is looked up.
SELECT e.source, e.outbox_id, e.watch, e.changed::text AS changed, e.captured_at, w.table_name, w.keys
FROM unnest(CAST(:sources AS text[])) AS s (source)
CROSS JOIN LATERAL (
    SELECT * FROM ringostat_sync.fan_outs AS x WHERE x.source = s.source ORDER BY x.outbox_id LIMIT 1
) AS e
LEFT JOIN ringostat_sync.watches AS w ON w.id = e.watch
ORDER BY e.outbox_id
LIMIT 1
