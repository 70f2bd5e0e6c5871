-- Accounts, by themselves: Ringostat completes the contacts with them.
SELECT
    a.id AS key,
    a.name
FROM public.account a
WHERE NOT a.deleted AND a.name ~ '\S';
