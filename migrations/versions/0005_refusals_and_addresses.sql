-- Singles of narrow batches refused in a row, with nothing accepted between.
ALTER TABLE ringostat_sync.service_health ADD COLUMN refusals INTEGER DEFAULT '0' NOT NULL;

-- The API that a project's documents go to, and since when: what was accepted before that, another one has.
ALTER TABLE ringostat_sync.service_health ADD COLUMN address TEXT, ADD COLUMN address_since timestamptz;

-- A key as our tables hold it. One too long for an index (models.LONGEST_KEY) is cut short, to one that is still too long and still
-- its own: push buries it.
CREATE FUNCTION ringostat_sync.bounded_key(key text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN length(key) > 512
        THEN left(key, 448) || chr(8230) || encode(sha256(convert_to(key, 'UTF8')), 'hex') ELSE key END
$$;
