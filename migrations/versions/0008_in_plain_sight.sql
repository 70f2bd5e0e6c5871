-- Each of our processes, while it lives and for a while after it was lost.
CREATE TABLE ringostat_sync.parts (
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    version TEXT NOT NULL,
    mapping TEXT NOT NULL,
    settings TEXT NOT NULL,
    started_at timestamptz DEFAULT ringostat_sync.clock() NOT NULL,
    seen_at timestamptz DEFAULT ringostat_sync.clock() NOT NULL,
    progressed_at timestamptz DEFAULT ringostat_sync.clock() NOT NULL,
    CONSTRAINT parts_pkey PRIMARY KEY (name, role)
);

-- The problems that `health` has found, from when they began until they end.
CREATE TABLE ringostat_sync.problems (
    key TEXT NOT NULL,
    sentence TEXT NOT NULL,
    began_at timestamptz DEFAULT ringostat_sync.clock() NOT NULL,
    CONSTRAINT problems_pkey PRIMARY KEY (key)
);
CREATE TABLE ringostat_sync.looks (
    what TEXT NOT NULL,
    looked_at timestamptz NOT NULL,
    CONSTRAINT looks_pkey PRIMARY KEY (what)
);

-- What metrics count, kept by lane: contacts, requests by outcome, and times of delivery.
ALTER TABLE ringostat_sync.settlements
    ADD COLUMN superseded INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN buried INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN lost_leases INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN requests_accepted INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN requests_refused INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN requests_throttled INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN requests_failed INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN requests_unauthorized INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN requests_unexpected INTEGER DEFAULT '0' NOT NULL,
    ADD COLUMN delivery_buckets BIGINT[],
    ADD COLUMN delivery_seconds DOUBLE PRECISION DEFAULT '0' NOT NULL;
ALTER TABLE ringostat_sync.lanes
    ADD COLUMN superseded BIGINT DEFAULT '0' NOT NULL,
    ADD COLUMN buried BIGINT DEFAULT '0' NOT NULL,
    ADD COLUMN lost_leases BIGINT DEFAULT '0' NOT NULL,
    ADD COLUMN requests_accepted BIGINT DEFAULT '0' NOT NULL,
    ADD COLUMN requests_refused BIGINT DEFAULT '0' NOT NULL,
    ADD COLUMN requests_throttled BIGINT DEFAULT '0' NOT NULL,
    ADD COLUMN requests_failed BIGINT DEFAULT '0' NOT NULL,
    ADD COLUMN requests_unauthorized BIGINT DEFAULT '0' NOT NULL,
    ADD COLUMN requests_unexpected BIGINT DEFAULT '0' NOT NULL,
    ADD COLUMN delivery_buckets BIGINT[],
    ADD COLUMN delivery_seconds DOUBLE PRECISION DEFAULT '0' NOT NULL;
