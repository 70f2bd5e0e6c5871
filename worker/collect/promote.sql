-- Contacts whose next try is due may go now; one that somebody has locked, in a later round.
UPDATE ringostat_sync.pending
SET due_at = NULL
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM ringostat_sync.pending
    WHERE project = :project AND method = :method AND due_at <= (SELECT ringostat_sync.clock())
    FOR UPDATE SKIP LOCKED
))
