-- Still ours? The row lock keeps `recover` away until this transaction ends.
SELECT id FROM ringostat_sync.batches
WHERE id = :batch AND token = :token AND state = 'pushing'
FOR UPDATE
