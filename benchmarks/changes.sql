-- :changes changes over the first :contacts contacts, in no order that a cache would like; for the floor, the product and the peers.
CREATE SCHEMA bench;
CREATE TABLE bench.changes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL);
INSERT INTO bench.changes (key)
SELECT (i % :contacts + 1)::text FROM generate_series(0, :changes - 1) AS i ORDER BY hashint8(i), i;
