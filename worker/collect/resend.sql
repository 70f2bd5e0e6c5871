-- Batches in the middle of a split that waited for the rate limit, and may go on.
UPDATE ringostat_sync.batches
SET state = 'cut', due_at = NULL, sent_at = ringostat_sync.clock()
WHERE project = :project AND state = 'snoozed' AND due_at <= (SELECT ringostat_sync.clock())
RETURNING id
