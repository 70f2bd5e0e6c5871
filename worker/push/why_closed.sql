-- Why a push may not begin its request.
SELECT b.token = :token AND b.state = 'pushing' AS is_ours, EXISTS (
    SELECT FROM ringostat_sync.pauses AS p
    WHERE p.project = b.project AND coalesce(p.method = b.method, true) AND (p.reason = 'by_hand' OR NOT b.probe)
) AS is_paused
FROM ringostat_sync.batches AS b
WHERE b.id = :batch
