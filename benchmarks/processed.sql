-- What :contacts processed contacts leave behind: their deliveries, their requests, and a queue that is empty again.
INSERT INTO ringostat_sync.deliveries (project, method, identity, key, outbox_id, digest)
SELECT 106, 'contacts', 'externalId', i, i, decode(md5(i::text), 'hex') FROM generate_series(1, :contacts) AS i;
INSERT INTO ringostat_sync.requests (project, method, batch_id, entries, posted_at, outcome, http_status)
SELECT 106, 'contacts', i, 100, now() - interval '2 days' * i / :contacts, 'accepted', 200 FROM generate_series(1, :contacts / 100) AS i;
INSERT INTO ringostat_sync.settlements (project, method, sent) SELECT 106, 'contacts', 100 FROM generate_series(1, :contacts / 100);
DELETE FROM ringostat_sync.pending;
VACUUM ANALYZE ringostat_sync.pending;
VACUUM ANALYZE ringostat_sync.deliveries;
VACUUM ANALYZE ringostat_sync.requests;
