-- Where one contact is: what waits, what is on its way, what was last accepted, its open dead letter, its lane's pause.
SELECT
    (SELECT count(*) FROM ringostat_sync.outbox WHERE source = ANY(CAST(:sources AS text[])) AND key = :key) > 0 AS is_arriving,
    p.key IS NOT NULL AS is_pending, p.due_at, p.attempts,
    f.batch_id, f.batch_id IS NOT NULL AS is_in_flight,
    d.accepted_at, d.digest, d.address,
    l.id AS dead_letter, l.reason AS dead_letter_reason, l.detail AS dead_letter_detail,
    x.reason AS pause, x.detail AS pause_detail, x.until AS paused_until
FROM (SELECT ringostat_sync.bounded_key(:key) AS key) AS k
LEFT JOIN ringostat_sync.pending AS p
    ON p.project = :project AND p.method = :method AND p.identity = :identity AND p.key = k.key
LEFT JOIN ringostat_sync.in_flight AS f
    ON f.project = :project AND f.method = :method AND f.identity = :identity AND f.key = k.key
LEFT JOIN ringostat_sync.deliveries AS d
    ON d.project = :project AND d.method = :method AND d.identity = :identity AND d.key = k.key
LEFT JOIN ringostat_sync.dead_letters AS l
    ON l.project = :project AND l.method = :method AND l.identity = :identity AND l.key = k.key AND l.state = 'open'
LEFT JOIN ringostat_sync.pauses AS x ON x.project = :project AND coalesce(x.method = :method, true)
