-- Asked for by processes of the job, and by `capture install`.
INSERT INTO ringostat_sync.walks (source, purpose, requested_at, reason)
VALUES (%(source)s, 'reconcile', ringostat_sync.clock(), %(reason)s)
ON CONFLICT (source, purpose) DO UPDATE SET requested_at = ringostat_sync.clock(), reason = excluded.reason
