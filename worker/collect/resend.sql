-- Batches in the middle of a split that waited for the rate limit, and may go on.
UPDATE ringostat_sync.batches
SET state = 'cut', due_at = NULL, sent_at = clock_timestamp()
WHERE project = :project AND state = 'postponed' AND due_at <= clock_timestamp()
RETURNING id
