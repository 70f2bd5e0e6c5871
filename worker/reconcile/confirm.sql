-- What is held may go: the walk that found it is over, and its contacts are to be released. No row if nothing is held.
WITH confirmed AS (
    UPDATE ringostat_sync.reconciliations SET held = false, confirmed = true
    WHERE source = :source AND project = ANY(CAST(:projects AS bigint[])) AND held
        AND EXISTS (SELECT FROM ringostat_sync.walks WHERE source = :source AND purpose = 'reconcile' AND started_at IS NULL)
    RETURNING known, differing, never_sent, gone
), reopened AS (
    UPDATE ringostat_sync.walks SET started_at = ringostat_sync.clock(), is_over = true
    WHERE source = :source AND purpose = 'reconcile' AND EXISTS (SELECT FROM confirmed)
)
SELECT
    sum(known)::bigint AS known, sum(differing)::bigint AS differing, sum(never_sent)::bigint AS never_sent, sum(gone)::bigint AS gone
FROM confirmed
HAVING count(*) > 0
