UPDATE ringostat_sync.pending
SET due_at = NULL
WHERE project = :project AND method IN ('organizations', 'contacts') AND due_at IS NOT NULL
