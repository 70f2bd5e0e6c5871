-- What installed watches were made for. A schema that is older than this statement has not all of the columns.
SELECT
    w.id, w.source, w.table_name,
    (to_jsonb(w) ->> 'table_oid')::oid AS table_oid,
    to_jsonb(w) -> 'column_types' AS column_types
FROM ringostat_sync.watches AS w
