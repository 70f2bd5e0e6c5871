DELETE FROM ringostat_sync.dead_letters WHERE id = ANY(ARRAY(
    SELECT id FROM ringostat_sync.dead_letters
    WHERE closed_at < (SELECT ringostat_sync.clock()) - make_interval(secs => :age) ORDER BY closed_at LIMIT :limit
))
