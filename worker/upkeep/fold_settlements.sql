-- Settlements become the totals of their lanes.
WITH folded AS (
    DELETE FROM ringostat_sync.settlements RETURNING *
), buckets AS (
    SELECT project, method, array_agg(contacts ORDER BY bucket) AS delivery_buckets
    FROM (
        SELECT f.project, f.method, b.bucket, sum(b.contacts)::bigint AS contacts
        FROM folded AS f CROSS JOIN LATERAL unnest(f.delivery_buckets) WITH ORDINALITY AS b (contacts, bucket)
        GROUP BY f.project, f.method, b.bucket
    ) AS counted
    GROUP BY project, method
)
INSERT INTO ringostat_sync.lanes AS l (
    project, method, sent, unchanged, absent, superseded, buried, lost_leases,
    requests_accepted, requests_refused, requests_throttled, requests_failed, requests_unauthorized, requests_unexpected,
    delivery_seconds, delivery_buckets
)
SELECT
    f.project, f.method,
    sum(f.sent), sum(f.unchanged), sum(f.absent),
    sum(f.superseded), sum(f.buried), sum(f.lost_leases),
    sum(f.requests_accepted), sum(f.requests_refused), sum(f.requests_throttled),
    sum(f.requests_failed), sum(f.requests_unauthorized), sum(f.requests_unexpected),
    sum(f.delivery_seconds), (SELECT b.delivery_buckets FROM buckets AS b WHERE b.project = f.project AND b.method = f.method)
FROM folded AS f
GROUP BY f.project, f.method
ON CONFLICT (project, method) DO UPDATE SET
    sent = l.sent + excluded.sent,
    unchanged = l.unchanged + excluded.unchanged,
    absent = l.absent + excluded.absent,
    superseded = l.superseded + excluded.superseded,
    buried = l.buried + excluded.buried,
    lost_leases = l.lost_leases + excluded.lost_leases,
    requests_accepted = l.requests_accepted + excluded.requests_accepted,
    requests_refused = l.requests_refused + excluded.requests_refused,
    requests_throttled = l.requests_throttled + excluded.requests_throttled,
    requests_failed = l.requests_failed + excluded.requests_failed,
    requests_unauthorized = l.requests_unauthorized + excluded.requests_unauthorized,
    requests_unexpected = l.requests_unexpected + excluded.requests_unexpected,
    delivery_seconds = l.delivery_seconds + excluded.delivery_seconds,
    delivery_buckets = CASE
        WHEN l.delivery_buckets IS NULL THEN excluded.delivery_buckets
        WHEN excluded.delivery_buckets IS NULL THEN l.delivery_buckets
        ELSE ARRAY(
            SELECT o.contacts + coalesce(n.contacts, 0)
            FROM unnest(l.delivery_buckets) WITH ORDINALITY AS o (contacts, bucket)
            LEFT JOIN unnest(excluded.delivery_buckets) WITH ORDINALITY AS n (contacts, bucket) USING (bucket)
            ORDER BY bucket
        )
    END
