-- What installed watches were made for. A schema that is older than this statement has not all of the columns; in a restored database no
-- table has the oid that it had.
SELECT
    w.id, w.source, w.table_name,
    CASE WHEN (to_jsonb(w) ->> 'watches_oid')::oid = w.tableoid THEN (to_jsonb(w) ->> 'table_oid')::oid END AS table_oid,
    to_jsonb(w) -> 'column_types' AS column_types
FROM ringostat_sync.watches AS w
