-- What a walk has found, for each project that has contacts of the source. What the API is known to hold is counted once, for all of them.
INSERT INTO ringostat_sync.reconciliations (
    source, project, method, started_at, finished_at, known, differing, never_sent, gone, held, confirmed
)
SELECT
    :source, p.project, :method, w.started_at, ringostat_sync.clock(), CASE WHEN p.project = :project THEN w.known ELSE 0 END,
    coalesce(d.differing, 0), coalesce(d.never_sent, 0), coalesce(d.gone, 0), :held, :confirmed
FROM ringostat_sync.walks AS w
CROSS JOIN unnest(CAST(:projects AS bigint[])) AS p (project)
LEFT JOIN (
    SELECT
        project,
        count(*) FILTER (WHERE kind = 'differing') AS differing,
        count(*) FILTER (WHERE kind = 'never_sent') AS never_sent,
        count(*) FILTER (WHERE kind = 'gone') AS gone
    FROM ringostat_sync.drifted WHERE source = :source GROUP BY project
) AS d ON d.project = p.project
WHERE w.source = :source AND w.purpose = 'reconcile'
ON CONFLICT (source, project) DO UPDATE SET
    method = excluded.method,
    started_at = excluded.started_at,
    finished_at = excluded.finished_at,
    known = excluded.known,
    differing = excluded.differing,
    never_sent = excluded.never_sent,
    gone = excluded.gone,
    held = excluded.held,
    confirmed = excluded.confirmed
