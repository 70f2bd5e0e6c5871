-- Sequences that are behind the ids which they gave: logical replication brings rows along, and no sequences. A batch would meet
-- another one's contacts, and a producer's payload count as older than what was accepted.
WITH given (of_table, of_column, highest) AS (VALUES
    ('outbox', 'id', (SELECT max(id) FROM (
        SELECT max(id) FROM ringostat_sync.outbox
        UNION ALL SELECT max(outbox_id) FROM ringostat_sync.fan_outs
        UNION ALL SELECT max(outbox_id) FROM ringostat_sync.pending
        UNION ALL SELECT max(outbox_id) FROM ringostat_sync.in_flight
        UNION ALL SELECT max(outbox_id) FROM ringostat_sync.deliveries
        UNION ALL SELECT max(outbox_id) FROM ringostat_sync.dead_letters
    ) AS ids (id))),
    ('batches', 'id', (SELECT max(id) FROM (
        SELECT max(id) FROM ringostat_sync.batches
        UNION ALL SELECT max(batch_id) FROM ringostat_sync.in_flight
        UNION ALL SELECT max(batch_id) FROM ringostat_sync.requests
    ) AS ids (id))),
    ('in_flight', 'in_flight_id', (SELECT max(id) FROM (
        SELECT max(in_flight_id) FROM ringostat_sync.in_flight
        UNION ALL SELECT max(in_flight_id) FROM ringostat_sync.reserved_ids
    ) AS ids (id))),
    ('requests', 'id', (SELECT max(id) FROM ringostat_sync.requests)),
    ('dead_letters', 'id', (SELECT max(id) FROM ringostat_sync.dead_letters)),
    ('settlements', 'id', (SELECT max(id) FROM ringostat_sync.settlements)),
    ('incidents', 'id', (SELECT max(id) FROM ringostat_sync.incidents))
)
SELECT setval(s.sequence, g.highest)
FROM given AS g
CROSS JOIN LATERAL (
    SELECT CAST(pg_get_serial_sequence('ringostat_sync.' || g.of_table, g.of_column) AS regclass) AS sequence
) AS s
WHERE g.highest > coalesce(pg_sequence_last_value(s.sequence), 0)
