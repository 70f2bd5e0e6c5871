-- Contacts that should be on the telephone, one row each.
-- Replace https://espo.example.com by the address of your EspoCRM.
SELECT
    c.id AS key,
    concat_ws(' ', nullif(c.last_name, ''), nullif(c.first_name, ''), nullif(c.middle_name, '')) AS "fullName",

    -- The assigned user, as long as that user works here.
    (SELECT u.id FROM public."user" u WHERE u.id = c.assigned_user_id AND u.is_active AND NOT u.deleted) AS responsible,

    'https://espo.example.com/#Contact/view/' || c.id AS "contactLink",

    -- The lead that was converted into this contact; of several, the newest.
    lead.id AS "leadId",
    'https://espo.example.com/#Lead/view/' || lead.id AS "leadLink",

    -- The newest opportunity, an open one before those that are closed.
    'https://espo.example.com/#Opportunity/view/' || (
        SELECT o.id FROM public.contact_opportunity co JOIN public.opportunity o ON o.id = co.opportunity_id
        WHERE co.contact_id = c.id AND NOT co.deleted AND NOT o.deleted
        ORDER BY o.stage IN ('Closed Won', 'Closed Lost'), o.created_at DESC, o.id DESC LIMIT 1
    ) AS "dealLink",

    ways.list AS "contactDirections",

    -- All accounts at which the contact works, the main one first.
    (
        SELECT json_agg(json_build_object('externalId', a.id, 'name', a.name) ORDER BY a.id = c.account_id DESC, a.name, a.id)
        FROM public.account_contact ac JOIN public.account a ON a.id = ac.account_id
        WHERE ac.contact_id = c.id AND NOT ac.deleted AND ac.is_inactive IS NOT TRUE AND NOT a.deleted
    ) AS organizations

FROM public.contact c
LEFT JOIN LATERAL (
    SELECT l.id FROM public.lead l WHERE l.created_contact_id = c.id AND NOT l.deleted
    ORDER BY l.created_at DESC, l.id DESC LIMIT 1
) AS lead ON true
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('type', way.type, 'name', way.name, 'value', way.value)
                    ORDER BY way.type DESC, way.main DESC, way.id) AS list
    FROM (
        SELECT 'phone' AS type, n.type AS name, n.name AS value, ep."primary" AS main, ep.id
        FROM public.entity_phone_number ep JOIN public.phone_number n ON n.id = ep.phone_number_id
        WHERE ep.entity_id = c.id AND ep.entity_type = 'Contact' AND NOT ep.deleted
            AND NOT n.deleted AND NOT n.invalid AND n.type IS DISTINCT FROM 'Fax' AND n.name NOT LIKE 'ERASED:%'
        UNION ALL
        SELECT 'email', 'email', e.name, ee."primary", ee.id
        FROM public.entity_email_address ee JOIN public.email_address e ON e.id = ee.email_address_id
        WHERE ee.entity_id = c.id AND ee.entity_type = 'Contact' AND NOT ee.deleted
            AND NOT e.deleted AND NOT e.invalid AND e.name NOT LIKE 'ERASED:%'
    ) AS way
) AS ways
WHERE NOT c.deleted AND ways.list IS NOT NULL;
