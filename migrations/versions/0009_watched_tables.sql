-- Which table a watch was installed on, and its columns' types then: one that is swapped or rewritten since fired no trigger.
ALTER TABLE ringostat_sync.watches ADD COLUMN table_oid oid, ADD COLUMN column_types jsonb;
UPDATE ringostat_sync.watches AS w
SET table_oid = c.oid,
    column_types = (
        SELECT jsonb_object_agg(t.attname, format_type(t.atttypid, t.atttypmod)) FROM pg_catalog.pg_attribute AS t
        WHERE t.attrelid = c.oid AND t.attnum > 0 AND NOT t.attisdropped
    )
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE w.table_name = quote_ident(n.nspname) || '.' || quote_ident(c.relname);
