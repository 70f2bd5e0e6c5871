SELECT in_flight_id FROM ringostat_sync.in_flight WHERE batch_id = :batch
