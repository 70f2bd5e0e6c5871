UPDATE ringostat_sync.batches
SET sent_at = clock_timestamp()
WHERE state = 'cut' AND sent_at < clock_timestamp() - make_interval(secs => :patience)
RETURNING id
