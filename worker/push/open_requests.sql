-- The last check before the first byte: the lease is ours and outlives the request, and no pause has come between
-- (for a probe, none by hand). It waits for the disk: no request may leave of which a crash of PostgreSQL knows nothing.
-- `ANY`: as in `reserve`.
WITH wanted AS (
    SELECT * FROM json_to_recordset(CAST(:requests AS json)) AS w (batch bigint, token int, entries int)
), mine AS (
    UPDATE ringostat_sync.batches AS b
    SET posted = true
    FROM wanted AS w
    WHERE b.id = w.batch AND b.id = ANY(ARRAY(SELECT batch FROM wanted)) AND b.token = w.token AND b.state = 'pushing'
        AND b.lease_until > ringostat_sync.clock() + make_interval(secs => :needed)
        AND NOT EXISTS (
            SELECT FROM ringostat_sync.pauses AS p
            WHERE p.project = b.project AND coalesce(p.method = b.method, true) AND (p.reason = 'by_hand' OR NOT b.probe)
        )
    RETURNING b.id, b.project, b.method, w.entries
)
INSERT INTO ringostat_sync.requests (project, method, batch_id, entries, posted_at)
SELECT project, method, id, entries, ringostat_sync.clock() FROM mine ORDER BY id
RETURNING id, batch_id, CAST(extract(epoch FROM posted_at) AS text) AS posted_at, set_config('synchronous_commit', 'on', true) AS lasting
