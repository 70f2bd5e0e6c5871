-- Ids rise with time, and only they have an index: what is old stands among the lowest.
DELETE FROM ringostat_sync.requests WHERE id = ANY(ARRAY(
    SELECT id FROM (SELECT id, posted_at FROM ringostat_sync.requests ORDER BY id LIMIT :limit) AS lowest
    WHERE posted_at < (SELECT ringostat_sync.clock()) - make_interval(secs => :age)
))
