-- Contacts that differ wait, behind live changes and never over one: their ids are far below zero.
WITH taken AS (
    DELETE FROM ringostat_sync.drifted
    WHERE source = :source AND key = ANY(ARRAY(
        SELECT key FROM ringostat_sync.drifted WHERE source = :source ORDER BY key LIMIT :limit
    ))
    RETURNING key
), waiting AS (
    INSERT INTO ringostat_sync.pending (project, method, identity, key, source, outbox_id, priority, captured_at)
    SELECT
        :project, :method, :identity, key, :source, row_number() OVER (ORDER BY key) - CAST(4611686018427387904 AS bigint), 2,
        ringostat_sync.clock()
    FROM taken
    ORDER BY key
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM taken
