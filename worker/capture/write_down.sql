-- Which table a watch is on, and its columns' types; nothing is written if that is known.
INSERT INTO ringostat_sync.watches AS w (id, source, table_name, keys, definition, table_oid, column_types, watches_oid)
VALUES (
    %(id)s, %(source)s, %(table_name)s, %(keys)s, %(definition)s, %(table_oid)s, %(column_types)s, 'ringostat_sync.watches'::regclass
)
ON CONFLICT (id) DO UPDATE
SET installed_at = now(), table_oid = excluded.table_oid, column_types = excluded.column_types, watches_oid = excluded.watches_oid
WHERE (w.table_oid, w.column_types, w.watches_oid) IS DISTINCT FROM (excluded.table_oid, excluded.column_types, excluded.watches_oid)
