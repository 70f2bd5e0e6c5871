-- A batch that its push is settling just now is left to it, and holds up nobody.
SELECT project, method, posted, probe FROM ringostat_sync.batches
WHERE id = :batch AND state = 'pushing' AND lease_until < ringostat_sync.clock()
FOR UPDATE SKIP LOCKED
