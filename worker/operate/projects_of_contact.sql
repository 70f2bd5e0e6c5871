-- The projects that hold anything of a contact of a source whose rows name their projects.
SELECT project FROM ringostat_sync.routes WHERE source = ANY(CAST(:sources AS text[])) AND key = :key
UNION SELECT project FROM ringostat_sync.deliveries
WHERE project = ANY(CAST(:projects AS bigint[])) AND method = :method AND identity = :identity AND key = :key
UNION SELECT project FROM ringostat_sync.pending
WHERE project = ANY(CAST(:projects AS bigint[])) AND method = :method AND identity = :identity AND key = :key
UNION SELECT project FROM ringostat_sync.in_flight
WHERE project = ANY(CAST(:projects AS bigint[])) AND method = :method AND identity = :identity AND key = :key
UNION SELECT project FROM ringostat_sync.dead_letters
WHERE project = ANY(CAST(:projects AS bigint[])) AND method = :method AND identity = :identity AND key = :key
ORDER BY project
