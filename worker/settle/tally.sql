INSERT INTO ringostat_sync.settlements (project, method, sent, unchanged, absent)
VALUES (:project, :method, :sent, :unchanged, :absent)
