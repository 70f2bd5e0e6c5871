SELECT place FROM ringostat_sync.in_flight WHERE batch_id = :batch
