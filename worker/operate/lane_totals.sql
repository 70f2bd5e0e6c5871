-- What has been counted of every lane since installation: totals, and what is not yet folded into them.
WITH counted AS (
    SELECT
        project, method, sent, unchanged, absent, superseded, buried, lost_leases, requests_accepted, requests_refused,
        requests_throttled, requests_failed, requests_unauthorized, requests_unexpected, delivery_seconds, delivery_buckets
    FROM ringostat_sync.lanes
    UNION ALL
    SELECT
        project, method, sent, unchanged, absent, superseded, buried, lost_leases, requests_accepted, requests_refused,
        requests_throttled, requests_failed, requests_unauthorized, requests_unexpected, delivery_seconds, delivery_buckets
    FROM ringostat_sync.settlements
), buckets AS (
    SELECT project, method, array_agg(contacts ORDER BY bucket) AS delivery_buckets
    FROM (
        SELECT c.project, c.method, b.bucket, sum(b.contacts)::bigint AS contacts
        FROM counted AS c CROSS JOIN LATERAL unnest(c.delivery_buckets) WITH ORDINALITY AS b (contacts, bucket)
        GROUP BY c.project, c.method, b.bucket
    ) AS summed
    GROUP BY project, method
)
SELECT
    c.project, c.method::text,
    sum(c.sent)::bigint AS sent, sum(c.unchanged)::bigint AS unchanged, sum(c.absent)::bigint AS absent,
    sum(c.superseded)::bigint AS superseded, sum(c.buried)::bigint AS buried, sum(c.lost_leases)::bigint AS lost_leases,
    sum(c.requests_accepted)::bigint AS accepted, sum(c.requests_refused)::bigint AS refused,
    sum(c.requests_throttled)::bigint AS throttled, sum(c.requests_failed)::bigint AS failed,
    sum(c.requests_unauthorized)::bigint AS unauthorized, sum(c.requests_unexpected)::bigint AS unexpected,
    sum(c.delivery_seconds) AS delivery_seconds,
    (SELECT b.delivery_buckets FROM buckets AS b WHERE b.project = c.project AND b.method = c.method) AS delivery_buckets
FROM counted AS c
GROUP BY c.project, c.method
ORDER BY c.project, c.method
