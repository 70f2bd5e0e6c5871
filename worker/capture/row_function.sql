-- The function of one watch, run for each changed row; `functions.py` fills in what stands in braces.
--
-- Whatever the CRM's schema has become since, its transaction must not fail because of us: every expression over the row
-- stands in a block that catches errors. Nothing is written in there, so that the block costs no transaction id, and
-- nothing of ours is read, so that SERIALIZABLE has nothing to complain of. On an INSERT every column of OLD is null, on
-- a DELETE every column of NEW.
CREATE OR REPLACE FUNCTION ringostat_sync.{function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER {settings} AS $ringostat_sync$
#variable_conflict use_column
DECLARE
    rs_old {kind};
    rs_new {kind};
    rs_lost boolean := false;
BEGIN
    IF current_setting('session_replication_role') = 'replica' THEN
        -- A copy of the whole database, ours along: what is captured comes from there.
        IF EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = 'ringostat_sync.outbox'::regclass) THEN RETURN NULL; END IF;
    END IF;
    BEGIN
        -- Compared by image: json and point have no equality.
        IF TG_OP = 'UPDATE' AND {unchanged} THEN RETURN NULL; END IF;
        DECLARE
            changed ALIAS FOR old;
        BEGIN
            rs_old := CASE WHEN TG_OP = 'INSERT' THEN NULL WHEN {where} THEN {value} END;
        END;
        DECLARE
            changed ALIAS FOR new;
        BEGIN
            rs_new := CASE WHEN TG_OP = 'DELETE' THEN NULL WHEN {where} THEN {value} END;
        END;
    EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN
        -- `where` fails, or a column is gone: the row counts as changed and as one of ours, and is read by name if need be.
        BEGIN
            DECLARE
                changed ALIAS FOR old;
            BEGIN
                rs_old := CASE WHEN TG_OP <> 'INSERT' THEN {value} END;
            END;
            DECLARE
                changed ALIAS FOR new;
            BEGIN
                rs_new := CASE WHEN TG_OP <> 'DELETE' THEN {value} END;
            END;
        EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN
            BEGIN
                rs_old := {old_by_name};
                rs_new := {new_by_name};
            EXCEPTION WHEN OTHERS THEN
                NULL;
            END;
            rs_lost := rs_old IS NULL AND rs_new IS NULL;
            IF rs_lost THEN
                RAISE LOG 'ringostat-sync: whose row of %.% has changed could not be captured (SQLSTATE %), so all of its source are read: run "ringostat-sync capture status"',
                    TG_TABLE_SCHEMA, TG_TABLE_NAME, SQLSTATE;
            END IF;
        END;
    END;
    IF rs_lost THEN
        {insert_lost};
    END IF;
    IF rs_old IS NOT NULL AND rs_old IS DISTINCT FROM rs_new THEN
        {insert_old};
    END IF;
    IF rs_new IS NOT NULL THEN
        {insert_new};
    END IF;
    RETURN NULL;
END
$ringostat_sync$
