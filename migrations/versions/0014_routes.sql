-- A source whose rows name their projects: which projects have a key of it. What a reconciliation has set apart knows its project.
CREATE TABLE ringostat_sync.routes (
    source text NOT NULL,
    key text NOT NULL,
    project bigint NOT NULL,
    CONSTRAINT routes_pkey PRIMARY KEY (source, key, project)
);
ALTER TABLE ringostat_sync.drifted ADD COLUMN project bigint;
UPDATE ringostat_sync.drifted AS d SET project = r.project FROM ringostat_sync.reconciliations AS r WHERE r.source = d.source;
-- A walk under way that has reported nothing yet begins anew.
DELETE FROM ringostat_sync.drifted WHERE project IS NULL;
UPDATE ringostat_sync.walks
SET requested_at = coalesce(requested_at, ringostat_sync.clock()), started_at = NULL, last_key = NULL, is_over = false
WHERE purpose = 'reconcile' AND started_at IS NOT NULL AND NOT is_over;
ALTER TABLE ringostat_sync.drifted ALTER COLUMN project SET NOT NULL, DROP CONSTRAINT drifted_pkey,
    ADD CONSTRAINT drifted_pkey PRIMARY KEY (source, key, project);
