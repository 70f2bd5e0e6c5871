-- Note the clock; returns by how many seconds it was set back since it was last noted, at least.
UPDATE ringostat_sync.clock_seen AS c
SET at = ringostat_sync.clock()
FROM (SELECT at FROM ringostat_sync.clock_seen) AS before
RETURNING extract(epoch FROM before.at - c.at)::float8
