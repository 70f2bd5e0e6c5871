-- Whether requests that left are unknown here: one of an age at which none is purged, or one with an id that was not given yet. And
-- whether ids that were given would be given again.
WITH marks AS (
    SELECT * FROM json_to_recordset(CAST(:marks AS json)) AS m (id bigint, posted_at text)
), given AS (
    SELECT
        coalesce(pg_sequence_last_value(CAST(pg_get_serial_sequence('ringostat_sync.requests', 'id') AS regclass)), 0) AS last,
        coalesce((SELECT max(id) FROM ringostat_sync.requests), 0) AS highest
)
SELECT
    EXISTS (
        SELECT FROM marks AS m
        WHERE (CAST(m.posted_at AS float8) > extract(epoch FROM ringostat_sync.clock()) - :kept OR m.id > greatest(g.last, g.highest))
            AND NOT EXISTS (
                SELECT FROM ringostat_sync.requests AS r
                WHERE r.id = m.id AND CAST(extract(epoch FROM r.posted_at) AS text) = m.posted_at
            )
    ) AS went_back,
    g.highest > g.last AS is_behind
FROM given AS g
