-- Companies of the account, by themselves: Ringostat completes the contacts with them.
SELECT
    o.id AS key,
    o.name
FROM public.companies o
WHERE o.account_id = 1 AND o.name ~ '\S';
