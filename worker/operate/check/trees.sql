-- The parse trees of views.
SELECT w.ev_class AS oid, w.ev_action::text AS tree
FROM pg_catalog.pg_rewrite AS w
JOIN pg_catalog.pg_class AS c ON c.oid = w.ev_class AND c.relkind = 'v'
WHERE w.ev_class = ANY (%(views)s::oid[]) AND w.ev_type = '1'
