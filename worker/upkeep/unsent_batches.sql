UPDATE ringostat_sync.batches
SET sent_at = ringostat_sync.clock()
WHERE state = 'cut' AND sent_at < (SELECT ringostat_sync.clock()) - make_interval(secs => :patience)
RETURNING id
