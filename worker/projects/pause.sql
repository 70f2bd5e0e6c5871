-- Pause, or go on with the pause. No other reason replaces a pause by hand.
INSERT INTO ringostat_sync.pauses AS p (project, reason, detail, until)
VALUES (:project, :reason, :detail, ringostat_sync.clock() + make_interval(secs => :after))
ON CONFLICT (project) DO UPDATE SET
    reason = excluded.reason,
    detail = excluded.detail,
    probes = CASE WHEN p.reason = excluded.reason THEN p.probes ELSE 0 END,
    since = CASE WHEN p.reason = excluded.reason THEN p.since ELSE excluded.since END,
    until = excluded.until
WHERE p.reason <> 'by_hand' OR excluded.reason = 'by_hand'
