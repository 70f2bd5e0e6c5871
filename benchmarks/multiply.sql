-- The demo's first :base contacts, copied with their telephones and addresses until there are :contacts; all can be sent.
-- `patronymic` is the version: every change of the bench raises it, so that the receiver sees which state it was given.
INSERT INTO crm.phones (contact_id, kind, number) VALUES (7, 'mobile', '0671234567'), (23, 'mobile', '0671234568');
UPDATE crm.contacts SET first_name = coalesce(first_name, 'Олена'), patronymic = 'v1', hidden = false;

INSERT INTO crm.contacts (id, last_name, first_name, patronymic, company_id, position, staff_id, channel, google_client_id, notes)
OVERRIDING SYSTEM VALUE
SELECT c.id + n * :base, c.last_name, c.first_name, 'v1', c.company_id, c.position, c.staff_id, c.channel, c.google_client_id, c.notes
FROM generate_series(1, :contacts / :base) AS n CROSS JOIN crm.contacts AS c
WHERE c.id + n * :base <= :contacts
ORDER BY 1;

INSERT INTO crm.phones (contact_id, kind, number)
SELECT p.contact_id + n * :base, p.kind, p.number
FROM generate_series(1, :contacts / :base) AS n CROSS JOIN crm.phones AS p
WHERE p.contact_id + n * :base <= :contacts
ORDER BY 1;

INSERT INTO crm.emails (contact_id, kind, address)
SELECT e.contact_id + n * :base, e.kind, e.address
FROM generate_series(1, :contacts / :base) AS n CROSS JOIN crm.emails AS e
WHERE e.contact_id + n * :base <= :contacts
ORDER BY 1;
