-- Where a project's documents go from now on; returns since when. Another address than before holds nothing of what was accepted.
INSERT INTO ringostat_sync.service_health AS h (project, address, address_since)
VALUES (:project, :address, to_timestamp(0))
ON CONFLICT (project) DO UPDATE SET
    address = excluded.address,
    address_since = CASE
        WHEN h.address IS NULL THEN excluded.address_since
        WHEN h.address = excluded.address THEN h.address_since
        ELSE ringostat_sync.clock()
    END
RETURNING address_since
