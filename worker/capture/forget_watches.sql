-- Watches that are no longer listed, and for which no changed row waits.
DELETE FROM ringostat_sync.watches AS w
WHERE w.id <> ALL (%(wanted)s)
    AND NOT EXISTS (SELECT FROM ringostat_sync.outbox AS o WHERE o.source = w.source AND o.watch = w.id)
    AND NOT EXISTS (SELECT FROM ringostat_sync.fan_outs AS e WHERE e.source = w.source AND e.watch = w.id)
