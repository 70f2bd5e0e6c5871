-- The types of a table's columns, a domain's being the one it is made of: a record of some columns meets no NOT NULL of the others.
WITH RECURSIVE types (attname, oid) AS (
    SELECT a.attname, a.atttypid FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = to_regclass(%(table)s) AND a.attname = ANY(%(columns)s) AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT d.attname, t.typbasetype FROM types AS d
    JOIN pg_catalog.pg_type AS t ON t.oid = d.oid AND t.typtype = 'd'
)
SELECT d.attname, format_type(d.oid, -1) FROM types AS d
JOIN pg_catalog.pg_type AS t ON t.oid = d.oid AND t.typtype <> 'd'
