-- A poll has ended. `watermark` is what one had reached that ended at least `:margin` seconds ago.
UPDATE ringostat_sync.walks AS w
SET watermark = CASE WHEN t.is_old THEN w.next_watermark ELSE w.watermark END,
    next_watermark_at = CASE WHEN t.is_old THEN ringostat_sync.clock() ELSE w.next_watermark_at END,
    last_watermark = coalesce(w.reaching, w.last_watermark),
    next_watermark = CASE WHEN t.is_old THEN coalesce(w.reaching, w.last_watermark) ELSE w.next_watermark END
FROM (
    SELECT source, next_watermark_at IS NULL OR next_watermark_at <= ringostat_sync.clock() - make_interval(secs => :margin) AS is_old
    FROM ringostat_sync.walks WHERE source = :source AND purpose = 'poll'
) AS t
WHERE w.source = t.source AND w.purpose = 'poll'
