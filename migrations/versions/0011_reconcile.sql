-- Who gave the last accepted document, and whether only a producer's payload ever did; when the contact was found to be gone.
ALTER TABLE ringostat_sync.deliveries
    ADD COLUMN source TEXT,
    ADD COLUMN by_payload BOOLEAN DEFAULT false NOT NULL,
    ADD COLUMN absent_at timestamptz;

-- A discarded dead letter is looked up by its contact: the same document is not sent again.
CREATE INDEX dead_letters_discarded_index ON ringostat_sync.dead_letters (project, method, identity, key) WHERE state = 'discarded';

-- A walk over a source, under way or asked for.
CREATE TYPE ringostat_sync.walk_purpose AS ENUM ('reconcile', 'poll');
CREATE TABLE ringostat_sync.walks (
    source TEXT NOT NULL,
    purpose ringostat_sync.walk_purpose NOT NULL,
    reason TEXT,
    requested_at timestamptz,
    started_at timestamptz,
    ended_at timestamptz,
    nightly_at timestamptz,
    last_key TEXT,
    known BIGINT DEFAULT '0' NOT NULL,
    differing BIGINT DEFAULT '0' NOT NULL,
    never_sent BIGINT DEFAULT '0' NOT NULL,
    gone BIGINT DEFAULT '0' NOT NULL,
    is_over BOOLEAN DEFAULT false NOT NULL,
    failed_at timestamptz,
    reaching TEXT,
    last_watermark TEXT,
    watermark TEXT,
    next_watermark TEXT,
    next_watermark_at timestamptz,
    CONSTRAINT walks_pkey PRIMARY KEY (source, purpose)
);

-- Contacts that a walk has found to differ, until they wait.
CREATE TABLE ringostat_sync.drifted (
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    CONSTRAINT drifted_pkey PRIMARY KEY (source, key)
);

-- What the last reconciliation of each source has found.
CREATE TABLE ringostat_sync.reconciliations (
    source TEXT NOT NULL,
    project BIGINT NOT NULL,
    method ringostat_sync.method NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    known BIGINT NOT NULL,
    differing BIGINT NOT NULL,
    never_sent BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    held BOOLEAN NOT NULL,
    confirmed BOOLEAN NOT NULL,
    CONSTRAINT reconciliations_pkey PRIMARY KEY (source, project)
);
