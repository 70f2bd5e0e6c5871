-- Which database this is (`worker/upkeep/place.sql`), as a worker last saw it; a restored or moved one is another.
ALTER TABLE ringostat_sync.clock_seen ADD COLUMN place text;
