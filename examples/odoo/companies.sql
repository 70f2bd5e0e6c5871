-- Companies, by themselves: Ringostat completes the contacts with them.
SELECT
    c.id AS key,
    c.name
FROM public.res_partner c
WHERE c.active AND c.is_company AND c.name ~ '\S'
    AND (SELECT o.id FROM public.res_company o WHERE o.partner_id = c.id LIMIT 1) IS NULL;  -- not our own company
