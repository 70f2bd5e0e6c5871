-- Contacts that wait for their next try may go now. Nobody's lock is waited for, as this stands in transactions that hold others: who
-- has one of these rows just then has a newer change of it, which makes it due as well, or has put it back a moment ago; one that a
-- forced backfill marks keeps to its own time.
UPDATE ringostat_sync.pending
SET due_at = NULL
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM ringostat_sync.pending
    WHERE project = :project AND method IN ('organizations', 'contacts') AND due_at IS NOT NULL
    FOR UPDATE SKIP LOCKED
))
