-- Contacts :first to :last wait, as a backfill leaves them.
INSERT INTO ringostat_sync.pending (project, method, identity, key, source, outbox_id, priority, captured_at)
SELECT 106, 'contacts', 'externalId', i, 'contacts', i, 0, now() FROM generate_series(:first, :last) AS i;
