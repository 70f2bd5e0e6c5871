-- The source can't be read now; it has its next turn a little later.
INSERT INTO ringostat_sync.walks AS w (source, purpose, failed_at)
VALUES (:source, :purpose, ringostat_sync.clock())
ON CONFLICT (source, purpose) DO UPDATE SET failed_at = ringostat_sync.clock()
