-- Leads and opportunities without a partner: people whom Odoo knows from there alone. One that gets a partner leaves this
-- list, and goes on as that contact, which carries its "leadId" (see contacts.sql).
SELECT
    l.id AS key,
    coalesce(
        nullif(concat_ws(', ', nullif(btrim(l.partner_name), ''), nullif(btrim(l.contact_name), '')), ''),
        l.name
    ) AS "fullName",
    (SELECT u.id FROM public.res_users u WHERE u.id = l.user_id AND u.active) AS responsible,
    (SELECT k.code FROM public.res_country k WHERE k.id = l.country_id) AS region,
    'https://odoo.example.com/mail/view?model=crm.lead&res_id=' || l.id AS "leadLink",
    CASE WHEN l.type = 'opportunity' THEN 'https://odoo.example.com/mail/view?model=crm.lead&res_id=' || l.id END AS "dealLink",
    ways.list AS "contactDirections"
FROM public.crm_lead l
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('type', way.type, 'name', way.name, 'value', way.value) ORDER BY way.place) AS list
    FROM (VALUES
        (1, 'phone', 'phone', l.phone),
        (2, 'phone', 'mobile', l.mobile),
        (3, 'email', 'email', l.email_from)
    ) AS way (place, type, name, value)
    WHERE way.value ~ '\S'
) AS ways
WHERE l.active AND l.partner_id IS NULL AND ways.list IS NOT NULL;
