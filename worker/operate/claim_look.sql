-- Whether this process looks now: one of all does, once in `every` seconds.
INSERT INTO ringostat_sync.looks AS l (what, looked_at)
VALUES (:what, ringostat_sync.clock())
ON CONFLICT (what) DO UPDATE SET looked_at = excluded.looked_at
WHERE l.looked_at < excluded.looked_at - make_interval(secs => :every) OR l.looked_at > excluded.looked_at
RETURNING what
