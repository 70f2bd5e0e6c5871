-- What a view reads, through other views, operators and functions with a parsed body: each column of a table once, column 0 for the
-- table itself; and the functions whose body is a text, which nobody can see through.
WITH RECURSIVE reached (class, object, part, in_function) AS (
    SELECT 'pg_catalog.pg_class'::regclass::oid, %(view)s::oid, 0, false
    UNION
    SELECT d.refclassid, d.refobjid, d.refobjsubid, n.in_function
    FROM reached AS r
    CROSS JOIN LATERAL (
        SELECT 'pg_catalog.pg_rewrite'::regclass::oid AS class, w.oid AS object, r.in_function
        FROM pg_catalog.pg_rewrite AS w
        JOIN pg_catalog.pg_class AS c ON c.oid = w.ev_class AND c.relkind = 'v'
        WHERE r.class = 'pg_catalog.pg_class'::regclass AND w.ev_class = r.object AND w.ev_type = '1'
        UNION ALL
        SELECT r.class, r.object, true
        WHERE r.class IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass)
    ) AS n
    JOIN pg_catalog.pg_depend AS d ON d.classid = n.class AND d.objid = n.object AND d.deptype = 'n'
), tables AS (
    SELECT r.object AS oid, r.part AS number, bool_or(r.in_function) AS in_function
    FROM reached AS r
    JOIN pg_catalog.pg_class AS c ON c.oid = r.object
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE r.class = 'pg_catalog.pg_class'::regclass AND r.object <> %(view)s::oid AND r.part >= 0
        AND c.relkind IN ('r', 'p', 'm', 'f', 'v') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    GROUP BY r.object, r.part
), functions AS (
    SELECT DISTINCT quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '()' AS name
    FROM reached AS r
    JOIN pg_catalog.pg_proc AS p ON p.oid = r.object
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    WHERE r.class = 'pg_catalog.pg_proc'::regclass AND p.prosqlbody IS NULL AND p.prokind IN ('f', 'w')
        AND p.provolatile <> 'i' AND l.lanname NOT IN ('internal', 'c')
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend AS e
            WHERE e.classid = 'pg_catalog.pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e'
        )
)
SELECT t.oid, t.number, t.in_function, NULL AS function FROM tables AS t
UNION ALL
SELECT NULL, NULL, NULL, f.name FROM functions AS f
ORDER BY 4, 1, 2
