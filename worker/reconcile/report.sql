INSERT INTO ringostat_sync.reconciliations (
    source, project, method, started_at, finished_at, known, differing, never_sent, gone, held, confirmed
)
SELECT :source, :project, :method, started_at, ringostat_sync.clock(), known, differing, never_sent, gone, :held, :confirmed
FROM ringostat_sync.walks WHERE source = :source AND purpose = 'reconcile'
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
