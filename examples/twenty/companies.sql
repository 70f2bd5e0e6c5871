-- Companies, by themselves: Ringostat completes the contacts with them.
SELECT
    c.id AS key,
    c.name
FROM workspace_7ciwf6hjp6zggjgc7zn0hrpq9.company c
WHERE c."deletedAt" IS NULL AND c.name ~ '\S';
