-- TRUNCATE is a change of every contact that the table held; the rows are still there before it.
CREATE OR REPLACE FUNCTION ringostat_sync.{function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $ringostat_sync$
DECLARE
    rs_table text := format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME);
BEGIN
    BEGIN
        EXECUTE replace({insert_where}, '<table>', rs_table);
    EXCEPTION WHEN OTHERS THEN
        BEGIN
            EXECUTE replace({insert_all}, '<table>', rs_table);
        EXCEPTION WHEN OTHERS THEN
            RAISE LOG 'ringostat-sync: TRUNCATE of % could not be captured: %', rs_table, SQLSTATE;
        END;
    END;
    RETURN NULL;
END
$ringostat_sync$
