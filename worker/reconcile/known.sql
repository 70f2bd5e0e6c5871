-- What is known of contacts whose document is not the one last accepted. `is_known`: what the API holds of it is known, at this address.
-- `is_newer`: that was after we began to read. `waits`: it is on its way anyhow. The dead letter is the last that is open or was
-- discarded, if nothing was accepted since. `OFFSET 0`: each contact is looked up.
SELECT
    w.key, d.digest IS NOT NULL AS is_known, coalesce(d.accepted_at >= :read_at, false) AS is_newer,
    EXISTS (
        SELECT FROM ringostat_sync.pending AS p
        WHERE p.project = :project AND p.method = :method AND p.identity = :identity AND p.key = w.key
    ) OR EXISTS (
        SELECT FROM ringostat_sync.in_flight AS f
        WHERE f.project = :project AND f.method = :method AND f.identity = :identity AND f.key = w.key
    ) AS waits,
    l.reason::text AS reason, l.detail, l.document
FROM unnest(CAST(:keys AS text[])) AS w (key)
LEFT JOIN LATERAL (
    SELECT * FROM ringostat_sync.deliveries AS x
    WHERE x.project = :project AND x.method = :method AND x.identity = :identity AND x.key = w.key AND x.address = :address
    OFFSET 0
) AS d ON true
LEFT JOIN LATERAL (
    SELECT * FROM (
        SELECT * FROM ringostat_sync.dead_letters AS a
        WHERE a.project = :project AND a.method = :method AND a.identity = :identity AND a.key = w.key
            AND a.state IN ('open', 'requeued') AND a.state = 'open'
        UNION ALL
        SELECT * FROM ringostat_sync.dead_letters AS a
        WHERE a.project = :project AND a.method = :method AND a.identity = :identity AND a.key = w.key AND a.state = 'discarded'
    ) AS x
    WHERE d.accepted_at IS NULL OR x.last_failed_at >= d.accepted_at
    ORDER BY x.last_failed_at DESC
    LIMIT 1
) AS l ON true
