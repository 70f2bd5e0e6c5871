-- The tables that watches name, each by its name as it is written: from catalogs alone, without a lock and without a right to them.
-- `names` is an object of [schema or null, table] by the name as written; `installed` are the tables of installed watches, which count
-- for a name without a schema where this session's own search_path is another one.
WITH RECURSIVE asked AS (
    SELECT a.key AS written, a.value ->> 0 AS schema, a.value ->> 1 AS name
    FROM jsonb_each(%(names)s::jsonb) AS a
), candidates AS (
    SELECT
        a.written, c.oid, c.relkind, n.oid AS namespace,
        quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
        pg_table_is_visible(c.oid) AS visible
    FROM asked AS a
    JOIN pg_catalog.pg_class AS c ON c.relname = a.name::name
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'i', 'I', 'c')
        AND (n.nspname = a.schema::name
            OR a.schema IS NULL AND (
                pg_table_is_visible(c.oid)
                OR quote_ident(n.nspname) || '.' || quote_ident(c.relname) = ANY (%(installed)s::text[])
            ))
), found AS (
    SELECT DISTINCT ON (written) * FROM candidates ORDER BY written, visible DESC, name
), below AS (
    SELECT f.oid AS top, i.inhrelid AS oid FROM found AS f
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = f.oid AND NOT i.inhdetachpending
    UNION
    SELECT b.top, i.inhrelid FROM below AS b
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = b.oid AND NOT i.inhdetachpending
), named AS (
    SELECT b.top, b.oid, c.relkind, c.relispartition, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
    FROM below AS b
    JOIN pg_catalog.pg_class AS c ON c.oid = b.oid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
), types AS (
    -- What the columns are made of: a domain is its type, an array its elements.
    SELECT f.oid AS top, a.attname, a.atttypid AS oid FROM found AS f
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = f.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION
    SELECT d.top, d.attname, CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.typelem END FROM types AS d
    JOIN pg_catalog.pg_type AS t ON t.oid = d.oid AND (t.typtype = 'd' OR t.typcategory = 'A')
)
SELECT
    f.written, f.oid, f.relkind, f.name,
    has_schema_privilege(f.namespace, 'USAGE') AS may_see,
    (
        SELECT coalesce(jsonb_object_agg(t.attname, format_type(t.atttypid, t.atttypmod)), '{}') FROM pg_catalog.pg_attribute AS t
        WHERE t.attrelid = f.oid AND t.attnum > 0 AND NOT t.attisdropped
    ) AS types,
    ARRAY (
        SELECT t.attname::text FROM pg_catalog.pg_attribute AS t
        WHERE t.attrelid = f.oid AND t.attnum > 0 AND NOT t.attisdropped ORDER BY t.attnum
    ) AS columns,
    ARRAY (
        SELECT t.attname::text FROM pg_catalog.pg_attribute AS t
        WHERE t.attrelid = f.oid AND t.attnum > 0 AND NOT t.attisdropped AND t.attgenerated = 'v'
    ) AS unseen,
    ARRAY (
        SELECT d.attname::text FROM types AS d JOIN pg_catalog.pg_type AS t ON t.oid = d.oid
        WHERE d.top = f.oid AND t.typtype NOT IN ('d', 'e') AND t.typcategory NOT IN ('A', 'S', 'I')
            AND t.oid <> ALL ('{bool,int2,int4,int8,numeric,oid,uuid,json,jsonb}'::regtype[])
    ) AS formed,
    quote_literal(current_setting('TimeZone')) AS zone,
    ARRAY (SELECT b.name FROM named AS b WHERE b.top = f.oid AND b.relispartition AND b.relkind IN ('r', 'p') ORDER BY 1) AS partitions,
    ARRAY (SELECT b.name FROM named AS b WHERE b.top = f.oid AND NOT b.relispartition ORDER BY 1) AS children,
    EXISTS (
        SELECT FROM pg_catalog.pg_subscription_rel AS s
        WHERE s.srrelid = f.oid OR s.srrelid IN (SELECT b.oid FROM below AS b WHERE b.top = f.oid)
    ) AS replicated
FROM found AS f
