-- The walk that is under way, or a new one. `:anew`: from the first key in any case.
INSERT INTO ringostat_sync.walks AS w (source, purpose, started_at)
VALUES (:source, :purpose, ringostat_sync.clock())
ON CONFLICT (source, purpose) DO UPDATE SET
    started_at = CASE WHEN w.started_at IS NULL OR :anew THEN ringostat_sync.clock() ELSE w.started_at END,
    last_key = CASE WHEN w.started_at IS NULL OR :anew THEN NULL ELSE w.last_key END,
    known = CASE WHEN w.started_at IS NULL OR :anew THEN 0 ELSE w.known END,
    differing = CASE WHEN w.started_at IS NULL OR :anew THEN 0 ELSE w.differing END,
    never_sent = CASE WHEN w.started_at IS NULL OR :anew THEN 0 ELSE w.never_sent END,
    gone = CASE WHEN w.started_at IS NULL OR :anew THEN 0 ELSE w.gone END,
    is_over = w.is_over AND w.started_at IS NOT NULL AND NOT :anew
RETURNING
    started_at, ended_at, last_key, known, differing, never_sent, gone, is_over, watermark, last_watermark, ringostat_sync.clock() AS read_at
