-- Every column of every table that this role may read, in order; of each whether it is the primary key, and the table that it refers to.
SELECT
    c.oid::bigint AS table_id,
    c.relname AS table_name,
    format('%I.%I', n.nspname, c.relname) AS quoted_table,
    a.attname AS name,
    quote_ident(a.attname) AS quoted,
    format_type(a.atttypid, NULL) AS type,
    i.indrelid IS NOT NULL AS is_key,
    f.confrelid::bigint AS refers_to
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_index AS i ON i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum
LEFT JOIN LATERAL (
    SELECT k.confrelid FROM pg_catalog.pg_constraint AS k
    WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.conkey = ARRAY[a.attnum] ORDER BY k.oid LIMIT 1
) AS f ON true
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'ringostat_sync')
    AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
ORDER BY n.nspname, c.relname, a.attnum
