SELECT key, sentence FROM ringostat_sync.problems ORDER BY began_at, key FOR UPDATE
