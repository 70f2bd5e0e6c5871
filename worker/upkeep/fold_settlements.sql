WITH folded AS (
    DELETE FROM ringostat_sync.settlements RETURNING project, method, sent, unchanged, absent
)
INSERT INTO ringostat_sync.lanes AS l (project, method, sent, unchanged, absent)
SELECT project, method, sum(sent), sum(unchanged), sum(absent) FROM folded GROUP BY project, method
ON CONFLICT (project, method) DO UPDATE SET
    sent = l.sent + excluded.sent,
    unchanged = l.unchanged + excluded.unchanged,
    absent = l.absent + excluded.absent
