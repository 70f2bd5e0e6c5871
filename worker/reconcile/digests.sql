-- What the API is known to hold of these contacts.
SELECT key, digest FROM ringostat_sync.deliveries
WHERE project = :project AND method = :method AND identity = :identity AND key = ANY(CAST(:keys AS text[]))
    AND address = :address AND digest IS NOT NULL
