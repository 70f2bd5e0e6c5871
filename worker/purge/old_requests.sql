DELETE FROM ringostat_sync.requests WHERE id = ANY(ARRAY(
    SELECT id FROM ringostat_sync.requests
    WHERE posted_at < clock_timestamp() - make_interval(secs => :age) ORDER BY id LIMIT :limit
))
