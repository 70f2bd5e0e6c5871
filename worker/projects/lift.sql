DELETE FROM ringostat_sync.pauses
WHERE project = :project AND reason = ANY(CAST(:reasons AS ringostat_sync.pause_reason[]))
RETURNING reason::text
