INSERT INTO ringostat_sync.pauses AS p (project, reason, detail, until)
VALUES (
    :project, :reason, :detail,
    CASE WHEN CAST(:reason AS ringostat_sync.pause_reason) <> 'by_hand'
        THEN ringostat_sync.clock() + make_interval(secs => least(:first, :longest)) END
)
ON CONFLICT (project) DO UPDATE SET
    reason = excluded.reason,
    detail = excluded.detail,
    probes = CASE WHEN p.reason = excluded.reason THEN p.probes ELSE 0 END,
    since = CASE WHEN p.reason = excluded.reason THEN p.since ELSE excluded.since END,
    until = CASE WHEN excluded.until IS NOT NULL THEN ringostat_sync.clock() + make_interval(
        secs => least(:longest, :first * power(2, CASE WHEN p.reason = excluded.reason THEN least(p.probes, 30) ELSE 0 END))
    ) END
WHERE (p.reason <> 'by_hand' OR excluded.reason = 'by_hand') AND (:even_running OR p.until <= ringostat_sync.clock())
