-- What `capture install` needs and this role lacks; the tables are those that it has to change.
SELECT
    session_user::text AS role,
    current_database()::text AS database,
    has_database_privilege(current_database(), 'TEMP') AS may_try,
    CASE WHEN to_regnamespace('ringostat_sync') IS NULL THEN has_database_privilege(current_database(), 'CREATE')
        ELSE has_schema_privilege(to_regnamespace('ringostat_sync'), 'CREATE') END AS may_create,
    ARRAY (
        SELECT jsonb_build_array(quote_ident(n.nspname) || '.' || quote_ident(c.relname), pg_get_userbyid(c.relowner))
        FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = ANY (%(oids)s::oid[]) AND NOT pg_has_role(c.relowner, 'USAGE') ORDER BY 1
    ) AS not_owned,
    ARRAY (SELECT p.pubname::text FROM pg_catalog.pg_publication AS p WHERE p.puballtables ORDER BY 1) AS publications
