-- Companies, by themselves: Ringostat completes the contacts with them.
SELECT
    c.id AS key,
    c.name
FROM public.res_partner c
WHERE c.active AND c.is_company AND c.name ~ '\S';
