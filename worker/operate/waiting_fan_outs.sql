-- Changed rows that stand for many contacts. Whose they are is known when they are fanned out, and then they are gone.
SELECT
    (SELECT count(*) FROM ringostat_sync.fan_outs WHERE source = ANY(CAST(:sources AS text[])))
    + (SELECT count(*) FROM ringostat_sync.outbox WHERE source = ANY(CAST(:sources AS text[])) AND watch IS NOT NULL)
