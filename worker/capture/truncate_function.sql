-- TRUNCATE is a change of every contact that the table held; `functions.py` fills in what stands in braces. A BEFORE
-- trigger still sees the rows, and fires under logical replication too. If `where` fails, every row counts.
CREATE OR REPLACE FUNCTION ringostat_sync.{function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER {settings} AS $ringostat_sync$
DECLARE
    rs_every text := {insert} || format(' FROM %I.%I AS changed', TG_TABLE_SCHEMA, TG_TABLE_NAME) || {named};
BEGIN
    IF current_setting('session_replication_role') = 'replica' THEN
        -- A copy of the whole database, ours along: what is captured comes from there.
        IF EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = 'ringostat_sync.outbox'::regclass) THEN RETURN NULL; END IF;
    END IF;
    EXECUTE rs_every || {where};
    RETURN NULL;
EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN
    BEGIN
        EXECUTE rs_every;
    EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN
        {insert_lost};
        RAISE LOG 'ringostat-sync: whom a TRUNCATE of %.% concerns could not be captured (SQLSTATE %), so all of its source are read: run "ringostat-sync capture status"',
            TG_TABLE_SCHEMA, TG_TABLE_NAME, SQLSTATE;
    END;
    RETURN NULL;
END
$ringostat_sync$
