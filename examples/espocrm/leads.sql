-- Leads that no conversion has made a contact of. One that becomes a contact leaves this list, and goes on as that contact,
-- which carries its "leadId" (see contacts.sql).
SELECT
    l.id AS key,
    -- A lead may have the name of a company alone.
    concat_ws(', ',
        nullif(concat_ws(' ', nullif(l.last_name, ''), nullif(l.first_name, ''), nullif(l.middle_name, '')), ''),
        nullif(l.account_name, '')
    ) AS "fullName",
    (SELECT u.id FROM public."user" u WHERE u.id = l.assigned_user_id AND u.is_active AND NOT u.deleted) AS responsible,
    'https://espo.example.com/#Lead/view/' || l.id AS "leadLink",
    ways.list AS "contactDirections"
FROM public.lead l
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('type', way.type, 'name', way.name, 'value', way.value)
                    ORDER BY way.type DESC, way.main DESC, way.id) AS list
    FROM (
        SELECT 'phone' AS type, n.type AS name, n.name AS value, ep."primary" AS main, ep.id
        FROM public.entity_phone_number ep JOIN public.phone_number n ON n.id = ep.phone_number_id
        WHERE ep.entity_id = l.id AND ep.entity_type = 'Lead' AND NOT ep.deleted
            AND NOT n.deleted AND NOT n.invalid AND n.type IS DISTINCT FROM 'Fax' AND n.name NOT LIKE 'ERASED:%'
        UNION ALL
        SELECT 'email', 'email', e.name, ee."primary", ee.id
        FROM public.entity_email_address ee JOIN public.email_address e ON e.id = ee.email_address_id
        WHERE ee.entity_id = l.id AND ee.entity_type = 'Lead' AND NOT ee.deleted
            AND NOT e.deleted AND NOT e.invalid AND e.name NOT LIKE 'ERASED:%'
    ) AS way
) AS ways
WHERE NOT l.deleted AND l.created_contact_id IS NULL AND ways.list IS NOT NULL;
