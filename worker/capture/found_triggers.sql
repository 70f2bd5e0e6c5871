-- Every trigger of ours in the database, whichever mapping listed it. It is `whole` if it fires for all that we had it fire for, and its
-- function runs as we made it, with the right to write the outbox.
SELECT
    quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS table,
    t.tgname::text AS name,
    t.tgparentid <> 0 AS inherited,
    t.tgenabled AS enabled,
    p.prosrc AS body,
    t.tgtype = CASE WHEN t.tgname LIKE '%%\_truncate' THEN 2 + 32 ELSE 1 + 4 + 8 + 16 END
        AND t.tgqual IS NULL AND t.tgattr = ''
        AND p.prosecdef
        AND coalesce(has_schema_privilege(p.proowner, f.oid, 'USAGE') AND has_table_privilege(p.proowner, o.oid, 'INSERT'), false)
        AS whole,
    p.proconfig AS config
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS f ON f.oid = p.pronamespace AND f.nspname = 'ringostat_sync'
JOIN pg_catalog.pg_trigger AS t ON t.tgfoid = p.oid AND t.tgname LIKE 'ringostat\_sync\_%%'
JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class AS o ON o.relnamespace = f.oid AND o.relname = 'outbox'
ORDER BY 1, 2
