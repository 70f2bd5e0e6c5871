-- The words of the field, for what had other names. Rows stay where they are.
ALTER TABLE ringostat_sync.in_flight RENAME COLUMN place TO in_flight_id;
ALTER TABLE ringostat_sync.in_flight RENAME COLUMN part TO slice;
ALTER TABLE ringostat_sync.in_flight RENAME COLUMN losses TO lost_leases;
ALTER TABLE ringostat_sync.in_flight RENAME COLUMN suspect_status TO refusal_status;
ALTER TABLE ringostat_sync.in_flight RENAME COLUMN suspect_answer TO refusal_answer;
ALTER TABLE ringostat_sync.in_flight RENAME COLUMN suspect_document TO refusal_document;
ALTER TABLE ringostat_sync.in_flight RENAME CONSTRAINT in_flight_place_key TO in_flight_in_flight_id_key;
ALTER SEQUENCE ringostat_sync.in_flight_place_seq RENAME TO in_flight_in_flight_id_seq;

ALTER TABLE ringostat_sync.held_ids RENAME TO reserved_ids;
ALTER TABLE ringostat_sync.reserved_ids RENAME COLUMN place TO in_flight_id;
ALTER TABLE ringostat_sync.reserved_ids RENAME CONSTRAINT held_ids_pkey TO reserved_ids_pkey;
ALTER INDEX ringostat_sync.held_ids_place_index RENAME TO reserved_ids_in_flight_id_index;

ALTER TABLE ringostat_sync.expansions RENAME TO fan_outs;
ALTER TABLE ringostat_sync.fan_outs RENAME CONSTRAINT expansions_pkey TO fan_outs_pkey;

ALTER TABLE ringostat_sync.pending RENAME COLUMN losses TO lost_leases;
ALTER TABLE ringostat_sync.service_health RENAME COLUMN held_until TO throttled_until;
ALTER TABLE ringostat_sync.backfills RENAME COLUMN after_key TO last_key;

ALTER TYPE ringostat_sync.batch_state RENAME VALUE 'postponed' TO 'snoozed';
ALTER TABLE ringostat_sync.batches RENAME CONSTRAINT batches_due_while_postponed_check TO batches_due_while_snoozed_check;
ALTER TYPE ringostat_sync.letter_state RENAME TO dead_letter_state;
ALTER TYPE ringostat_sync.letter_reason RENAME TO dead_letter_reason;
