-- What there is to do for a project before batches are cut: sources with rows in the outbox, sources with rows to fan out, batches to
-- send again; and whether it is paused, `is_broken` by its mapping.
-- The outbox is looked at through its index, each source from its watermark on: where many rows have just been deleted, a bare
-- EXISTS would read the whole table in search of one that is left.
SELECT
    ARRAY(
        SELECT s.source FROM unnest(CAST(:sources AS text[]), CAST(:watermarks AS bigint[])) AS s (source, watermark)
        WHERE (
            SELECT o.id FROM ringostat_sync.outbox AS o
            WHERE o.source = s.source AND o.id >= s.watermark
            ORDER BY o.id LIMIT 1
        ) IS NOT NULL
    ) AS changed,
    ARRAY(
        SELECT s.source FROM unnest(CAST(:sources AS text[])) AS s (source)
        WHERE EXISTS (SELECT FROM ringostat_sync.fan_outs AS f WHERE f.source = s.source)
    ) AS fan_outs,
    EXISTS (
        SELECT FROM ringostat_sync.pauses
        WHERE project = :project AND method IS NULL AND (reason = 'by_hand' OR until > ringostat_sync.clock())
    ) AS is_paused,
    EXISTS (
        SELECT FROM ringostat_sync.pauses WHERE project = :project AND reason = 'mapping_broken' AND until > ringostat_sync.clock()
    ) AS is_broken,
    EXISTS (
        SELECT FROM ringostat_sync.batches
        WHERE project = :project AND state = 'snoozed' AND due_at <= (SELECT ringostat_sync.clock())
    ) AS snoozed
