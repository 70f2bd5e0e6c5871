-- What the API holds because a source once returned it, in the order of the keys' bytes. `source`: the one that gave it last.
SELECT key, project, source FROM ringostat_sync.deliveries
WHERE project = ANY(%(projects)s) AND method = %(method)s AND identity = %(identity)s AND address = %(address)s
    AND NOT by_payload AND absent_at IS NULL
ORDER BY key COLLATE "C", project
