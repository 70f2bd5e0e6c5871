-- People that should be on the telephone, one row each.
-- Replace https://twenty.example.com by the address of your Twenty, and the schema by that of your workspace (see README.md).
SELECT
    p.id AS key,
    -- Somebody known by an address alone has no name yet.
    coalesce(
        nullif(concat_ws(' ', nullif(btrim(p."nameLastName"), ''), nullif(btrim(p."nameFirstName"), '')), ''),
        p."emailsPrimaryEmail"
    ) AS "fullName",
    c."accountOwnerId" AS responsible,
    'https://twenty.example.com/object/person/' || p.id AS "contactLink",

    -- The newest opportunity, an open one before those that are won.
    'https://twenty.example.com/object/opportunity/' || (
        SELECT o.id FROM workspace_7ciwf6hjp6zggjgc7zn0hrpq9.opportunity o
        WHERE o."pointOfContactId" = p.id AND o."deletedAt" IS NULL
        ORDER BY o.stage::text = 'CUSTOMER', o."createdAt" DESC, o.id LIMIT 1
    ) AS "dealLink",

    ways.list AS "contactDirections",
    CASE WHEN c.name ~ '\S' THEN json_build_array(json_build_object('externalId', c.id, 'name', c.name)) END AS organizations

FROM workspace_7ciwf6hjp6zggjgc7zn0hrpq9.person p
LEFT JOIN workspace_7ciwf6hjp6zggjgc7zn0hrpq9.company c ON c.id = p."companyId" AND c."deletedAt" IS NULL
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object(
        'type', way.type,
        'name', way.name,
        -- Twenty keeps the code of the country apart from the number.
        'value', CASE WHEN way.value LIKE '+%' THEN way.value ELSE concat(way.code, way.value) END
    ) ORDER BY way.type DESC, way.place) AS list
    FROM (
        SELECT 'phone' AS type, 'phone' AS name, p."phonesPrimaryPhoneCallingCode" AS code, p."phonesPrimaryPhoneNumber" AS value, 0 AS place
        UNION ALL
        SELECT 'phone', 'phone', more.phone ->> 'callingCode', more.phone ->> 'number', more.place
        FROM jsonb_array_elements(
            CASE jsonb_typeof(p."phonesAdditionalPhones") WHEN 'array' THEN p."phonesAdditionalPhones" END
        ) WITH ORDINALITY AS more (phone, place)
        UNION ALL
        SELECT 'email', 'email', NULL, p."emailsPrimaryEmail", 0
        UNION ALL
        SELECT 'email', 'email', NULL, more.address, more.place
        FROM jsonb_array_elements_text(
            CASE jsonb_typeof(p."emailsAdditionalEmails") WHEN 'array' THEN p."emailsAdditionalEmails" END
        ) WITH ORDINALITY AS more (address, place)
    ) AS way
    WHERE way.value ~ '\S'
) AS ways
WHERE p."deletedAt" IS NULL AND ways.list IS NOT NULL;
