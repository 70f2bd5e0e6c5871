-- Ids are not for producers to give: one below the last would count as older than what was accepted.
ALTER TABLE ringostat_sync.outbox ALTER COLUMN id SET GENERATED ALWAYS;

-- A process that outlives a restored database has leases on batches whose ids come again: its fencing tokens do not.
ALTER TABLE ringostat_sync.batches ALTER COLUMN token SET DEFAULT floor(random() * 1000000000);

-- The same as before, in letters that every encoding has.
CREATE OR REPLACE FUNCTION ringostat_sync.bounded_key(key text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN length(key) > 512
        THEN left(key, 448) || chr(8230) || encode(sha256(convert_to(key, 'UTF8')), 'hex') ELSE key END
$$;

-- What has happened to the database itself, until it is made good.
CREATE TYPE ringostat_sync.incident_kind AS ENUM ('went_back', 'sequences_behind');
CREATE TABLE ringostat_sync.incidents (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind ringostat_sync.incident_kind NOT NULL,
    noticed_at timestamptz DEFAULT ringostat_sync.clock() NOT NULL,
    erased_at timestamptz,
    closed_at timestamptz,
    CONSTRAINT incidents_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX incidents_open_key ON ringostat_sync.incidents (kind) WHERE closed_at IS NULL;
