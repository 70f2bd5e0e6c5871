-- Contacts of one account (tenant) that should be on the telephone, one row each.
-- Replace https://chat.example.com by the address of your Chatwoot, and account 1 by yours.
SELECT
    c.id AS key,
    -- Many have no name: then what they wrote from.
    coalesce(nullif(btrim(c.name), ''), nullif(c.phone_number, ''), c.email) AS "fullName",

    -- Whoever answered last.
    (
        SELECT v.assignee_id FROM public.conversations v
        WHERE v.contact_id = c.id AND v.assignee_id IS NOT NULL ORDER BY v.id DESC LIMIT 1
    ) AS responsible,

    'https://chat.example.com/app/accounts/' || c.account_id || '/contacts/' || c.id AS "contactLink",

    -- The newest conversation, one that goes on before those that are resolved.
    'https://chat.example.com/app/accounts/' || c.account_id || '/conversations/' || (
        SELECT v.display_id FROM public.conversations v
        WHERE v.contact_id = c.id ORDER BY v.status = 1, v.id DESC LIMIT 1
    ) AS "dealLink",

    ways.list AS "contactDirections",
    (SELECT json_agg(json_build_object('externalId', o.id, 'name', o.name)) FROM public.companies o WHERE o.id = c.company_id) AS organizations

FROM public.contacts c
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('type', way.type, 'name', way.type, 'value', way.value) ORDER BY way.type DESC) AS list
    FROM (VALUES ('phone', c.phone_number), ('email', c.email)) AS way (type, value)
    WHERE way.value ~ '\S'
) AS ways
WHERE c.account_id = 1 AND NOT c.blocked AND ways.list IS NOT NULL;
