-- Our processes that live, were lost within the last ten minutes, or ended in order within the last `:waited_for` seconds; times are
-- seconds by the database's clock.
SELECT
    role, name, version, mapping, settings, started_at,
    extract(epoch FROM ringostat_sync.clock() - seen_at)::float8 AS seen_s,
    extract(epoch FROM ringostat_sync.clock() - progressed_at)::float8 AS idle_s,
    EXISTS (
        SELECT FROM ringostat_sync.parts AS n WHERE n.role = p.role AND n.name <> p.name AND n.started_at > p.seen_at
    ) AS is_replaced,
    ended_at IS NOT NULL AS has_ended
FROM ringostat_sync.parts AS p
WHERE coalesce(
    ended_at > ringostat_sync.clock() - make_interval(secs => :waited_for),
    seen_at > ringostat_sync.clock() - interval '10 minutes'
)
ORDER BY role, started_at, name
