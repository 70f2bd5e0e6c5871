-- :contacts contacts wait, spread over :projects projects.
INSERT INTO ringostat_sync.pending (project, method, identity, key, source, outbox_id, captured_at)
SELECT i % :projects + 1, 'contacts', 'externalId', i, 'c' || i % :projects + 1, i, now() FROM generate_series(1, :contacts) AS i;
