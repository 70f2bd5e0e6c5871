-- All contacts that should be on the telephone, one row each. Paste it into psql to see them.
--
-- What belongs to a contact stands in sub-selects: PostgreSQL then reads a few contacts by their keys without a look
-- at the rest. A join to a sub-query with GROUP BY would read every telephone of the CRM for each of them.
SELECT
    c.id AS key,
    concat_ws(' ', c.last_name, c.first_name, c.patronymic) AS "fullName",
    c.staff_id AS responsible,
    (SELECT s.ringostat_id FROM crm.staff s WHERE s.id = c.staff_id) AS "staffId",
    c.google_client_id AS "googleClientId",
    'https://crm.example.com/contacts/' || c.id AS "contactLink",

    -- A contact that was a lead keeps the lead's id, by which Ringostat knows it already; of several, the newest.
    (SELECT max(l.id) FROM crm.leads l WHERE l.contact_id = c.id) AS "leadId",
    'https://crm.example.com/leads/' || (SELECT max(l.id) FROM crm.leads l WHERE l.contact_id = c.id) AS "leadLink",

    -- The newest deal, an open one before those that are over.
    'https://crm.example.com/deals/' || (
        SELECT d.id FROM crm.deals d WHERE d.contact_id = c.id
        ORDER BY d.stage IN ('won', 'lost'), d.id DESC LIMIT 1
    ) AS "dealLink",

    -- Numbers before addresses, each as it was typed: the sync brings them into one form.
    (
        SELECT json_agg(json_build_object('type', way.type, 'name', way.name, 'value', way.value)
                        ORDER BY way.type DESC, way.id)
        FROM (
            SELECT 'phone' AS type, p.kind AS name, p.number AS value, p.id
            FROM crm.phones p WHERE p.contact_id = c.id AND p.kind <> 'fax'
            UNION ALL
            SELECT 'email', e.kind, e.address, e.id
            FROM crm.emails e WHERE e.contact_id = c.id
        ) way
    ) AS "contactDirections",

    (
        SELECT json_agg(json_build_object('externalId', o.id, 'name', o.name))
        FROM crm.companies o WHERE o.id = c.company_id
    ) AS organizations

FROM crm.contacts c
WHERE NOT c.hidden;
