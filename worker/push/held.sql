SELECT kind, wire_id, place FROM ringostat_sync.held_ids WHERE batch_id = :batch
