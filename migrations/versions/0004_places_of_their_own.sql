-- A place is unique over all batches, so that batches which travel together are settled by one statement. A part is the place of
-- its first contact.
CREATE TEMPORARY TABLE numbered ON COMMIT DROP AS
    SELECT batch_id, place, row_number() OVER (ORDER BY batch_id, place) AS number FROM ringostat_sync.in_flight;
ALTER TABLE ringostat_sync.in_flight ALTER COLUMN place TYPE BIGINT, ALTER COLUMN part TYPE BIGINT;
ALTER TABLE ringostat_sync.held_ids ALTER COLUMN place TYPE BIGINT;
UPDATE ringostat_sync.in_flight AS f
SET place = n.number,
    part = coalesce((SELECT p.number FROM numbered AS p WHERE p.batch_id = f.batch_id AND p.place = f.part AND f.part > 0), 0)
FROM numbered AS n
WHERE n.batch_id = f.batch_id AND n.place = f.place;
UPDATE ringostat_sync.held_ids AS h SET place = n.number FROM numbered AS n WHERE n.batch_id = h.batch_id AND n.place = h.place;

ALTER TABLE ringostat_sync.in_flight
    ALTER COLUMN place ADD GENERATED ALWAYS AS IDENTITY,
    ADD CONSTRAINT in_flight_place_key UNIQUE (place);
SELECT setval(pg_get_serial_sequence('ringostat_sync.in_flight', 'place'), coalesce(max(place), 0) + 1, false) FROM ringostat_sync.in_flight;

-- Contacts leave in the statement that moves them on, and their batch after them. To have each row's batch looked up once more by a
-- foreign key cost a third of the claim.
ALTER TABLE ringostat_sync.in_flight DROP CONSTRAINT in_flight_batch_id_fkey;

-- An id is held by a contact in flight, and goes with it.
DROP INDEX ringostat_sync.held_ids_batch_index;
ALTER TABLE ringostat_sync.held_ids DROP COLUMN batch_id;
CREATE INDEX held_ids_place_index ON ringostat_sync.held_ids (place);
