-- What is to be known of tables, and of those that inherit from them: from catalogs alone.
WITH RECURSIVE below AS (
    SELECT i.inhparent AS top, i.inhrelid AS oid FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = ANY (%(oids)s::oid[])
    UNION
    SELECT b.top, i.inhrelid FROM below AS b JOIN pg_catalog.pg_inherits AS i ON i.inhparent = b.oid
), asked AS (
    SELECT unnest(%(oids)s::oid[]) AS oid
    UNION
    SELECT b.oid FROM below AS b JOIN pg_catalog.pg_class AS c ON c.oid = b.oid WHERE NOT c.relispartition
), tables AS (
    SELECT
        c.*, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
        has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT') AS readable
    FROM asked AS a
    JOIN pg_catalog.pg_class AS c ON c.oid = a.oid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
)
SELECT
    t.oid, t.name, t.relkind AS kind, t.readable, t.reltuples::float8 AS rows,
    ARRAY (
        SELECT jsonb_build_array(a.attnum, a.attname, y.typcategory) FROM pg_catalog.pg_attribute AS a
        JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
        WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
    ) AS columns,
    (
        SELECT a.attname::text FROM pg_catalog.pg_constraint AS k
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
        WHERE k.conrelid = t.oid AND k.contype = 'p' AND cardinality(k.conkey) = 1
    ) AS id,
    ARRAY (
        SELECT jsonb_build_array(a.attname, b.attname) FROM pg_catalog.pg_attribute AS a
        JOIN pg_catalog.pg_attrdef AS e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
        JOIN pg_catalog.pg_depend AS d
            ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = e.oid
            AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid <> a.attnum
        JOIN pg_catalog.pg_attribute AS b ON b.attrelid = d.refobjid AND b.attnum = d.refobjsubid
        WHERE a.attrelid = t.oid AND a.attgenerated = 'v'
    ) AS made_of,
    ARRAY (SELECT x.oid FROM below AS x JOIN pg_catalog.pg_class AS c ON c.oid = x.oid WHERE x.top = t.oid AND NOT c.relispartition) AS children,
    ARRAY (
        SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM below AS x
        JOIN pg_catalog.pg_class AS c ON c.oid = x.oid AND c.relkind = 'f'
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE x.top = t.oid
    ) AS foreign_parts,
    CASE WHEN row_security_active(t.oid) THEN ARRAY (
        SELECT p.polname::text FROM pg_catalog.pg_policy AS p WHERE p.polrelid = t.oid ORDER BY 1
    ) END AS policies
FROM tables AS t
