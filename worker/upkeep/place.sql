-- Which database this is: another one after a dump was restored (the table's oid), in another database, on another server, or when a
-- server has begun another timeline (a standby that took over, a restore to a point in time). And which one it was when last seen.
SELECT
    c.place AS seen,
    concat_ws('.', s.system_identifier, d.oid, CAST('ringostat_sync.requests' AS regclass)::oid, p.timeline_id) AS found
FROM ringostat_sync.clock_seen AS c, pg_control_system() AS s, pg_control_checkpoint() AS p, pg_database AS d
WHERE d.datname = current_database()
