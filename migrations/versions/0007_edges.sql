-- The addresses of the API that documents went to: what one has accepted says nothing of what another one holds.
CREATE TABLE ringostat_sync.addresses (
    id SMALLINT GENERATED ALWAYS AS IDENTITY,
    url TEXT NOT NULL,
    CONSTRAINT addresses_pkey PRIMARY KEY (id),
    CONSTRAINT addresses_url_key UNIQUE (url)
);
INSERT INTO ringostat_sync.addresses (url) SELECT DISTINCT address FROM ringostat_sync.service_health WHERE address IS NOT NULL;
ALTER TABLE ringostat_sync.deliveries ADD COLUMN address SMALLINT;
-- What is known to have gone elsewhere, or to an unknown address, counts for none.
UPDATE ringostat_sync.deliveries AS d
SET address = a.id
FROM ringostat_sync.service_health AS h JOIN ringostat_sync.addresses AS a ON a.url = h.address
WHERE h.project = d.project AND d.accepted_at >= h.address_since;

-- A streak is the lane's: one method may be down while the other is well.
ALTER TABLE ringostat_sync.lanes
    ADD COLUMN failures INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN failing_since timestamptz,
    ADD COLUMN refusals INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN accepted_at timestamptz;
ALTER TABLE ringostat_sync.service_health
    DROP COLUMN failures,
    DROP COLUMN failing_since,
    DROP COLUMN refusals,
    DROP COLUMN address,
    DROP COLUMN address_since;
ALTER TABLE ringostat_sync.pauses ADD COLUMN method ringostat_sync.method;

-- A contact is buried only if its lane has accepted something since this moment.
ALTER TABLE ringostat_sync.pending ADD COLUMN first_failed_at timestamptz;
ALTER TABLE ringostat_sync.in_flight ADD COLUMN first_failed_at timestamptz;
UPDATE ringostat_sync.pending SET first_failed_at = ringostat_sync.clock() WHERE attempts > 0;
UPDATE ringostat_sync.in_flight SET first_failed_at = ringostat_sync.clock() WHERE attempts > 0;

-- However often a row changes before it is fanned out, it is fanned out once.
DELETE FROM ringostat_sync.fan_outs AS f
USING ringostat_sync.fan_outs AS newer
WHERE newer.source = f.source AND newer.watch = f.watch AND newer.changed = f.changed AND newer.outbox_id > f.outbox_id;
CREATE UNIQUE INDEX fan_outs_changed_key ON ringostat_sync.fan_outs (source, watch, md5(changed::text));
