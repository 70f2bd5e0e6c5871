-- The function of one watch, run for each changed row. {…} are filled in by `functions.py`.
-- Whatever the CRM's schema has become since, its transaction must not fail because of us: every expression over the row
-- stands in a block that catches its errors. The blocks hold no write, so that they cost no transaction id.
CREATE OR REPLACE FUNCTION ringostat_sync.{function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $ringostat_sync$
#variable_conflict use_variable
DECLARE
    changed record;
    rs_holds boolean;
    rs_old {kind};
    rs_new {kind};
BEGIN
    IF TG_OP = 'UPDATE' THEN
        BEGIN
            -- Compared by image: a json column has no equality.
            IF {unchanged} THEN RETURN NULL; END IF;
        EXCEPTION WHEN OTHERS THEN
            rs_holds := true; -- a column is gone: any update is a change
        END;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        BEGIN
            changed := OLD;
            rs_holds := {where};
        EXCEPTION WHEN OTHERS THEN
            rs_holds := true;
        END;
        IF rs_holds THEN
            BEGIN
                rs_old := {old_value};
            EXCEPTION WHEN OTHERS THEN
                rs_old := {old_fallback};
            END;
        END IF;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        BEGIN
            changed := NEW;
            rs_holds := {where};
        EXCEPTION WHEN OTHERS THEN
            rs_holds := true;
        END;
        IF rs_holds THEN
            BEGIN
                rs_new := {new_value};
            EXCEPTION WHEN OTHERS THEN
                rs_new := {new_fallback};
            END;
        END IF;
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
