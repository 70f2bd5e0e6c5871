-- This table's own oid when a row of it was written: in a database restored from a dump it is another one, and so is that of every table.
ALTER TABLE ringostat_sync.watches ADD COLUMN watches_oid oid;
UPDATE ringostat_sync.watches SET watches_oid = tableoid;
