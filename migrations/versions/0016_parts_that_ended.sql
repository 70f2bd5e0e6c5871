-- When a process ended in order (`worker/operate/parts.sql`): for half a minute its successor is waited for.
ALTER TABLE ringostat_sync.parts ADD COLUMN ended_at timestamptz;
