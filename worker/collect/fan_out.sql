-- Contacts found through another table wait behind single edits. The highest outbox id wins.
INSERT INTO ringostat_sync.pending AS p (project, method, identity, key, source, outbox_id, priority, captured_at)
SELECT project, :method, :identity, key, :source, :outbox_id, 1, :captured_at
FROM (
    SELECT DISTINCT d.project, ringostat_sync.bounded_key(d.key) AS key
    FROM json_to_recordset(CAST(:destinations AS json)) AS d (key text, project bigint)
) AS w
ORDER BY project, key
ON CONFLICT (project, method, identity, key) DO UPDATE SET
    source = excluded.source,
    outbox_id = excluded.outbox_id,
    payload = NULL,
    priority = least(p.priority, excluded.priority),
    attempts = 0,
    lost_leases = 0,
    first_failed_at = NULL,
    captured_at = least(p.captured_at, excluded.captured_at),
    due_at = NULL
WHERE p.outbox_id < excluded.outbox_id
