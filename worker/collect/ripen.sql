-- Contacts whose next try is due may go now.
UPDATE ringostat_sync.pending
SET due_at = NULL
WHERE project = :project AND method = :method AND due_at <= (SELECT ringostat_sync.clock())
