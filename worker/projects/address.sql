-- The id of an address; a new one gets the next.
WITH known AS (
    SELECT id FROM ringostat_sync.addresses WHERE url = :url
), added AS (
    INSERT INTO ringostat_sync.addresses (url) SELECT :url WHERE NOT EXISTS (SELECT FROM known)
    ON CONFLICT (url) DO UPDATE SET url = excluded.url
    RETURNING id
)
SELECT id FROM known UNION ALL SELECT id FROM added
