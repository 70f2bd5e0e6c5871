-- What `status` tells of a lane beside its counts.
SELECT
    (SELECT max(posted_at) FROM ringostat_sync.requests AS r
        WHERE r.project = :project AND r.method = :method AND r.outcome = 'accepted'
            AND r.posted_at > ringostat_sync.clock() - interval '1 hour') AS last_accepted_at,
    (SELECT accepted_at FROM ringostat_sync.lanes WHERE project = :project AND method = :method) AS accepted_at,
    (SELECT count(*) FROM ringostat_sync.requests AS r
        WHERE r.project = :project AND r.posted_at > ringostat_sync.clock() - make_interval(secs => :period)) AS in_period,
    (SELECT count(*) FROM ringostat_sync.requests AS r
        WHERE r.project = :project AND r.posted_at > ringostat_sync.clock() - interval '1 minute') AS of_project,
    (SELECT json_object_agg(reason, dead) FROM (
        SELECT reason, count(*) AS dead FROM ringostat_sync.dead_letters
        WHERE project = :project AND method = :method AND state = 'open' GROUP BY reason ORDER BY reason
    ) AS counted) AS dead_by_reason,
    (SELECT array_agg(contacts ORDER BY minute) FROM (
        SELECT m.minute, coalesce(sum(r.entries), 0)::int AS contacts
        FROM generate_series(0, 11) AS m (minute)
        LEFT JOIN ringostat_sync.requests AS r
            ON r.project = :project AND r.method = :method AND r.outcome = 'accepted'
            AND r.posted_at > ringostat_sync.clock() - interval '1 hour'
            AND floor(extract(epoch FROM ringostat_sync.clock() - r.posted_at) / 300) = 11 - m.minute
        GROUP BY m.minute
    ) AS last_hour) AS last_hour
