-- The clock of the whole installation. Everything that waits, expires or is due goes by it, so that a test can turn it.
CREATE FUNCTION ringostat_sync.clock() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT clock_timestamp()';

ALTER TABLE ringostat_sync.batches
    ALTER COLUMN cut_at SET DEFAULT ringostat_sync.clock(),
    ALTER COLUMN sent_at SET DEFAULT ringostat_sync.clock();
ALTER TABLE ringostat_sync.pauses ALTER COLUMN since SET DEFAULT ringostat_sync.clock();

-- A refused single that waits in the middle of a split keeps what was refused.
ALTER TABLE ringostat_sync.in_flight ADD COLUMN suspect_document TEXT;
