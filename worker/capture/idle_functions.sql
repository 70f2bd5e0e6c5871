-- Functions of ours that no trigger calls any more.
SELECT p.proname FROM pg_catalog.pg_proc AS p
WHERE p.pronamespace = to_regnamespace('ringostat_sync') AND p.proname LIKE 'capture\_%%'
    AND p.prorettype = 'pg_catalog.trigger'::regtype
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgfoid = p.oid)
