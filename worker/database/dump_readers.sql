-- Who dumps the database, and may not read our schema: the owners of the database and of tables that have a trigger of ours. A schema
-- without USAGE, or a table without SELECT, ends their pg_dump. Nobody, if this role can't grant it.
WITH ours AS (
    SELECT n.oid, n.nspowner FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'ringostat_sync' AND pg_has_role(n.nspowner, 'USAGE')
), owners AS (
    SELECT d.datdba AS oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()
    UNION
    SELECT c.relowner FROM pg_catalog.pg_trigger AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
    JOIN ours AS o ON o.oid = p.pronamespace
)
SELECT r.rolname FROM owners AS w
JOIN pg_catalog.pg_roles AS r ON r.oid = w.oid
CROSS JOIN ours AS o
WHERE NOT r.rolsuper AND NOT (
    has_schema_privilege(r.oid, o.oid, 'USAGE') AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = o.oid AND c.relkind IN ('r', 'S') AND NOT CASE c.relkind
            WHEN 'S' THEN has_sequence_privilege(r.oid, c.oid, 'SELECT') ELSE has_table_privilege(r.oid, c.oid, 'SELECT') END
    )
)
ORDER BY 1
