-- Invented people, with what makes a Twenty odd.

INSERT INTO workspace_7ciwf6hjp6zggjgc7zn0hrpq9."workspaceMember" (id, "nameFirstName", "nameLastName", "userEmail") VALUES
    ('aaaaaaaa-0000-4000-8000-000000000001', 'Оксана', 'Лень', 'oksana@example.com'),
    ('aaaaaaaa-0000-4000-8000-000000000002', 'Богдан', 'Швець', 'bohdan@example.com');

INSERT INTO workspace_7ciwf6hjp6zggjgc7zn0hrpq9.company (id, name, "accountOwnerId", "deletedAt") VALUES
    ('bbbbbbbb-0000-4000-8000-000000000001', 'ТОВ «Маяк»', 'aaaaaaaa-0000-4000-8000-000000000001', NULL),
    ('bbbbbbbb-0000-4000-8000-000000000002', 'Студія «Обрій»', NULL, NULL),
    ('bbbbbbbb-0000-4000-8000-000000000003', 'У кошику', 'aaaaaaaa-0000-4000-8000-000000000002', '2026-03-01'),
    ('bbbbbbbb-0000-4000-8000-000000000004', '', NULL, NULL);  -- somebody has begun to write it

INSERT INTO workspace_7ciwf6hjp6zggjgc7zn0hrpq9.person
    (id, "nameFirstName", "nameLastName", "emailsPrimaryEmail", "emailsAdditionalEmails", "phonesPrimaryPhoneNumber",
     "phonesPrimaryPhoneCountryCode", "phonesPrimaryPhoneCallingCode", "phonesAdditionalPhones", "companyId", "deletedAt")
VALUES
    -- Several numbers and addresses.
    ('cccccccc-0000-4000-8000-000000000001', 'Євген', 'Литвин', 'yevhen@maiak.example.com', '["y.lytvyn@example.com"]', '672220001', 'UA', '+380',
     '[{"number": "442220001", "countryCode": "UA", "callingCode": "+380"}, {"number": "221234568", "countryCode": "PL", "callingCode": "+48"}]',
     'bbbbbbbb-0000-4000-8000-000000000001', NULL),
    -- Without a calling code, as an import has left it; the other fields are empty texts.
    ('cccccccc-0000-4000-8000-000000000002', 'Зоряна', 'Паламар', '', '[]', '050 222 00 02', '', '', NULL, 'bbbbbbbb-0000-4000-8000-000000000002', NULL),
    -- The number bears its code already.
    ('cccccccc-0000-4000-8000-000000000003', 'Кирило', '', NULL, NULL, '+380932220003', 'UA', '+380', 'null', 'bbbbbbbb-0000-4000-8000-000000000003', NULL),
    -- In the bin.
    ('cccccccc-0000-4000-8000-000000000004', 'Віра', 'Скиба', 'vira@example.com', NULL, '962220004', 'UA', '+380', NULL, NULL, '2026-03-02'),
    -- Twice the same person; somebody will merge them.
    ('cccccccc-0000-4000-8000-000000000005', 'Назар', 'Чорний', 'nazar@example.com', NULL, '972220005', 'UA', '+380', NULL, 'bbbbbbbb-0000-4000-8000-000000000001', NULL),
    ('cccccccc-0000-4000-8000-000000000006', 'Назарій', 'Чорний', NULL, NULL, '982220006', 'UA', '+380', NULL, NULL, NULL),
    -- Known by an address alone, as the mailbox has brought it.
    ('cccccccc-0000-4000-8000-000000000007', '', '', 'news@example.com', NULL, '', '', '', NULL, NULL, NULL),
    -- Nobody can be reached by what there is of this one.
    ('cccccccc-0000-4000-8000-000000000008', 'Без', 'Номера', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

INSERT INTO workspace_7ciwf6hjp6zggjgc7zn0hrpq9.opportunity (id, name, stage, "pointOfContactId", "companyId", "createdAt", "deletedAt") VALUES
    ('dddddddd-0000-4000-8000-000000000001', 'Сайт', 'CUSTOMER', 'cccccccc-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000001', '2026-02-03', NULL),
    ('dddddddd-0000-4000-8000-000000000002', 'Реклама', 'MEETING', 'cccccccc-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000001', '2026-02-01', NULL),
    ('dddddddd-0000-4000-8000-000000000003', 'Викинута', 'NEW', 'cccccccc-0000-4000-8000-000000000001', NULL, '2026-02-05', '2026-02-06'),
    ('dddddddd-0000-4000-8000-000000000004', 'Логотип', 'CUSTOMER', 'cccccccc-0000-4000-8000-000000000006', NULL, '2026-02-04', NULL);
