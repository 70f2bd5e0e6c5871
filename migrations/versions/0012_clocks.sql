-- When the 429 came that counted last: requests that had left before it count no more.
ALTER TABLE ringostat_sync.service_health ADD COLUMN throttled_at timestamptz;

-- The clock as it was last seen, in one row: a clock that has been set back is noticed by it.
CREATE TABLE ringostat_sync.clock_seen (
    is_only BOOLEAN DEFAULT true NOT NULL,
    at timestamptz DEFAULT ringostat_sync.clock() NOT NULL,
    CONSTRAINT clock_seen_pkey PRIMARY KEY (is_only),
    CONSTRAINT clock_seen_one_row_check CHECK (is_only)
);
INSERT INTO ringostat_sync.clock_seen DEFAULT VALUES;
