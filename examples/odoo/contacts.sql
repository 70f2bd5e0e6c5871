-- Partners that should be on the telephone, one row each: people, and companies with a number of their own.
-- Replace https://odoo.example.com by the address of your Odoo.
SELECT
    p.id AS key,

    -- If the company is only a text (company_name), complete_name says it: "ФОП Кравець, Софія Кравець".
    CASE WHEN p.parent_id IS NULL THEN coalesce(nullif(p.complete_name, ''), p.name) ELSE p.name END AS "fullName",

    -- The salesperson, as long as that user works here.
    (SELECT u.id FROM public.res_users u WHERE u.id = p.user_id AND u.active) AS responsible,

    -- The country whose rules hold for numbers without a country code.
    (SELECT k.code FROM public.res_country k WHERE k.id = p.country_id) AS region,

    'https://odoo.example.com/mail/view?model=res.partner&res_id=' || p.id AS "contactLink",

    -- A lead keeps its id when it becomes an opportunity or a customer's; of several, the newest.
    (SELECT max(l.id) FROM public.crm_lead l WHERE l.partner_id = p.id) AS "leadId",
    'https://odoo.example.com/mail/view?model=crm.lead&res_id='
        || (SELECT max(l.id) FROM public.crm_lead l WHERE l.partner_id = p.id) AS "leadLink",

    -- The newest opportunity, an open one before those that are won. Lost ones are archived.
    'https://odoo.example.com/mail/view?model=crm.lead&res_id=' || (
        SELECT l.id FROM public.crm_lead l LEFT JOIN public.crm_stage s ON s.id = l.stage_id
        WHERE l.partner_id = p.id AND l.type = 'opportunity' AND l.active
        ORDER BY coalesce(s.is_won, false), l.id DESC LIMIT 1
    ) AS "dealLink",

    ways.list AS "contactDirections",

    (
        SELECT json_agg(json_build_object('externalId', c.id, 'name', c.name))
        FROM public.res_partner c WHERE c.id = p.commercial_partner_id AND c.is_company
    ) AS organizations

FROM public.res_partner p
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object('type', way.type, 'name', way.name, 'value', way.value)
                    ORDER BY way.owner = p.id DESC, way.owner, way.place) AS list
    FROM (
        SELECT p.id AS owner, own.*
        FROM (VALUES
            (1, 'phone', 'phone', p.phone),
            (2, 'phone', 'mobile', p.mobile),
            (3, 'email', 'email', p.email)
        ) AS own (place, type, name, value)
        UNION ALL
        -- An address is no contact of its own: what it has is one more way to its parent.
        SELECT a.id, its.place, its.type, coalesce(nullif(a.name, ''), a.type), its.value
        FROM public.res_partner a
        CROSS JOIN LATERAL (VALUES
            (1, 'phone', a.phone),
            (2, 'phone', a.mobile),
            (3, 'email', a.email)
        ) AS its (place, type, value)
        WHERE a.parent_id = p.id AND a.active AND a.type IN ('invoice', 'delivery', 'other')
    ) AS way
    WHERE way.value ~ '\S'
) AS ways

WHERE p.active
    AND p.partner_share IS NOT FALSE  -- no colleagues
    AND (p.parent_id IS NULL OR coalesce(p.type, 'contact') NOT IN ('invoice', 'delivery', 'other'))
    AND ways.list IS NOT NULL;
