-- Batches that wait in the middle of a split may go on now.
UPDATE ringostat_sync.batches SET due_at = ringostat_sync.clock()
WHERE project = :project AND state = 'snoozed' AND due_at > ringostat_sync.clock()
