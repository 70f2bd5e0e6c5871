INSERT INTO ringostat_sync.walks (source, purpose, requested_at, reason)
VALUES (:source, 'reconcile', ringostat_sync.clock(), :reason)
ON CONFLICT (source, purpose) DO UPDATE SET requested_at = ringostat_sync.clock(), reason = excluded.reason
