-- Rows of a routed source in the outbox, in the order of their ids: of whom, and the project that a payload names.
SELECT
    id, ringostat_sync.bounded_key(key) AS key, watch IS NULL AS is_contact, payload IS NOT NULL AS is_payload, payload ->> 'projectId' AS project
FROM ringostat_sync.outbox
WHERE source = :source AND id >= :watermark
ORDER BY id LIMIT :limit
