INSERT INTO ringostat_sync.incidents (kind) VALUES (:kind) ON CONFLICT (kind) WHERE closed_at IS NULL DO NOTHING
