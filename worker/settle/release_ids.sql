DELETE FROM ringostat_sync.reserved_ids WHERE in_flight_id = ANY(CAST(:in_flight_ids AS bigint[]))
