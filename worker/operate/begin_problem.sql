INSERT INTO ringostat_sync.problems (key, sentence) VALUES (:key, :sentence) ON CONFLICT (key) DO NOTHING
