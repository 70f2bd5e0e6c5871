-- Two roles instead of the owner of everything. Run this as a superuser, in the database that holds the outbox and the CRM's tables:
--     psql -f docs/grants.sql crm
-- Then give each role a way to log in, for example: ALTER ROLE ringostat_worker PASSWORD '...';
--
-- ringostat_capture runs `migrate` and `capture install`. It becomes a member of the roles that own the CRM's tables, because only an
-- owner may make triggers fire always. ringostat_worker runs all other commands and processes. It reads the CRM, and writes only our schema.
-- Run this again after the CRM got new schemas or new owners. It changes nothing that is right already.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['ringostat_capture', 'ringostat_worker'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        END IF;
    END LOOP;
    EXECUTE format('GRANT CREATE, CONNECT, TEMPORARY ON DATABASE %I TO ringostat_capture', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO ringostat_worker', current_database());

    -- Our own schema: capture owns it, the worker uses what is in it and what later versions add to it.
    IF to_regnamespace('ringostat_sync') IS NULL THEN
        CREATE SCHEMA ringostat_sync AUTHORIZATION ringostat_capture;
    END IF;
    GRANT USAGE ON SCHEMA ringostat_sync TO ringostat_worker;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ringostat_sync TO ringostat_worker;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA ringostat_sync TO ringostat_worker;
    ALTER DEFAULT PRIVILEGES FOR ROLE ringostat_capture IN SCHEMA ringostat_sync
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ringostat_worker;
    ALTER DEFAULT PRIVILEGES FOR ROLE ringostat_capture IN SCHEMA ringostat_sync GRANT USAGE ON SEQUENCES TO ringostat_worker;

    -- The CRM: the owners of its tables take capture in, and the worker reads.
    FOR name IN
        SELECT DISTINCT pg_get_userbyid(c.relowner)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'ringostat_sync' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    LOOP
        IF name <> 'ringostat_capture' THEN
            EXECUTE format('GRANT %I TO ringostat_capture', name);
        END IF;
    END LOOP;
    FOR name IN
        SELECT nspname FROM pg_namespace
        WHERE nspname <> 'ringostat_sync' AND nspname <> 'information_schema' AND nspname !~ '^pg_'
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO ringostat_worker', name);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO ringostat_worker', name);
    END LOOP;
END
$$;
