-- Leads that nobody has made a contact of yet. One that becomes a contact leaves this list, and goes on as that
-- contact, which carries its "leadId" (see contacts.sql).
SELECT
    l.id AS key,
    l.name AS "fullName",
    l.staff_id AS responsible,  -- null until somebody takes the lead: then default_responsible of sync.toml
    l.google_client_id AS "googleClientId",
    'https://crm.example.com/leads/' || l.id AS "leadLink",
    (
        SELECT json_agg(json_build_object('type', way.type, 'name', way.name, 'value', way.value)
                        ORDER BY way.type DESC)
        FROM (VALUES ('phone', 'mobile', l.phone), ('email', 'personal', l.email)) AS way (type, name, value)
        WHERE way.value IS NOT NULL
    ) AS "contactDirections"
FROM crm.leads l
WHERE l.contact_id IS NULL;
