-- How many of these rows another process has left in the outbox.
SELECT count(*) FROM ringostat_sync.outbox WHERE source = :source AND id = ANY(CAST(:ids AS bigint[]))
