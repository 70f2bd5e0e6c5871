-- Pause, or go on with the pause. No other reason replaces a pause by hand. A second method that pauses for the same reason, or for
-- another one, joins the first. Returns the reason before, and no row if a pause by hand stays.
WITH before AS (
    SELECT reason FROM ringostat_sync.pauses WHERE project = :project
)
INSERT INTO ringostat_sync.pauses AS p (project, reason, method, detail, until)
VALUES (:project, :reason, :method, :detail, ringostat_sync.clock() + make_interval(secs => :after))
ON CONFLICT (project) DO UPDATE SET
    reason = excluded.reason,
    method = CASE WHEN p.method = excluded.method THEN p.method END,
    detail = excluded.detail,
    probes = CASE WHEN p.reason = excluded.reason THEN p.probes ELSE 0 END,
    since = CASE WHEN p.reason = excluded.reason THEN p.since ELSE excluded.since END,
    until = excluded.until
WHERE p.reason <> 'by_hand' OR excluded.reason = 'by_hand'
RETURNING (SELECT reason::text FROM before) AS before
