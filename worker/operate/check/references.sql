-- Foreign keys of one column between these tables.
SELECT k.conrelid AS table, k.conkey[1] AS column, k.confrelid AS to_table, k.confkey[1] AS to_column
FROM pg_catalog.pg_constraint AS k
WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND k.conparentid = 0
    AND k.conrelid = ANY (%(oids)s::oid[]) AND k.confrelid = ANY (%(oids)s::oid[])
