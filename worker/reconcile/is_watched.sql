-- Whether the database has triggers of ours, asked of the catalogs: there may be no schema yet.
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
    WHERE p.pronamespace = to_regnamespace('ringostat_sync')
)
