-- Contacts that differ wait, behind live changes and never over one: their ids are far below zero.
WITH taken AS (
    DELETE FROM ringostat_sync.drifted
    WHERE ctid = ANY(ARRAY(SELECT ctid FROM ringostat_sync.drifted WHERE source = :source ORDER BY key, project LIMIT :limit))
    RETURNING key, project, kind
), waiting AS (
    INSERT INTO ringostat_sync.pending (project, method, identity, key, source, outbox_id, priority, captured_at)
    SELECT
        project, :method, :identity, key, :source, row_number() OVER (ORDER BY key, project) - CAST(4611686018427387904 AS bigint), 2,
        ringostat_sync.clock()
    FROM taken
    ORDER BY project, key
    ON CONFLICT DO NOTHING
), routed AS (
    INSERT INTO ringostat_sync.routes (source, key, project)
    SELECT :source, key, project FROM taken WHERE :routed AND kind <> 'gone' ORDER BY key, project
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM taken
