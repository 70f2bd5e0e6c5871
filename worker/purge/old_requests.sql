DELETE FROM ringostat_sync.requests WHERE id = ANY(ARRAY(
    SELECT id FROM ringostat_sync.requests
    WHERE posted_at < (SELECT ringostat_sync.clock()) - make_interval(secs => :age) ORDER BY id LIMIT :limit
))
