-- Contacts found through another table wait behind single edits. The highest outbox id wins.
-- A key too long for an index is cut short as in `take_in.sql`.
INSERT INTO ringostat_sync.pending AS p (project, method, identity, key, source, outbox_id, priority, captured_at)
SELECT :project, :method, :identity, key, :source, :outbox_id, 1, :captured_at
FROM (
    SELECT CASE WHEN length(key) > CAST(:longest_key AS int)
        THEN left(key, CAST(:longest_key AS int) - 64) || '…' || encode(sha256(convert_to(key, 'UTF8')), 'hex') ELSE key END AS key
    FROM unnest(CAST(:keys AS text[])) AS k (key)
) AS w
ORDER BY key
ON CONFLICT (project, method, identity, key) DO UPDATE SET
    source = excluded.source,
    outbox_id = excluded.outbox_id,
    payload = NULL,
    priority = least(p.priority, excluded.priority),
    attempts = 0,
    losses = 0,
    captured_at = least(p.captured_at, excluded.captured_at),
    due_at = NULL
WHERE p.outbox_id < excluded.outbox_id
