-- What is in flight is settled, and every contact has changed again: it waits at the end of the queue.
WITH settled AS (DELETE FROM ringostat_sync.in_flight RETURNING *)
INSERT INTO ringostat_sync.pending (project, method, identity, key, source, outbox_id, captured_at)
SELECT project, method, identity, key, source, outbox_id + 1000000000, now() FROM settled
