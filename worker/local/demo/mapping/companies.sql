-- Companies, by themselves: Ringostat completes the contacts with them.
SELECT
    o.id AS key,
    o.name
FROM crm.companies o;
