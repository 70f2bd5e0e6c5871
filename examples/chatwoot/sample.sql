-- Invented people, with what makes a Chatwoot odd.

INSERT INTO public.accounts (id, name) VALUES (1, 'Крамниця'), (2, 'Сусідній орендар');
INSERT INTO public.users (id, name, email) VALUES (1, 'Ліда Гук', 'lida@example.com'), (2, 'Степан Дуб', 'stepan@example.com');
INSERT INTO public.account_users (account_id, user_id) VALUES (1, 1), (1, 2), (2, 2);
INSERT INTO public.companies (id, name, account_id) VALUES (1, 'ТОВ «Дзвін»', 1), (2, 'Чужа фірма', 2);

INSERT INTO public.contacts
    (id, account_id, name, email, phone_number, identifier, contact_type, blocked, company_id, additional_attributes)
VALUES
    (1, 1, 'Раїса Павлюк', 'raisa@example.com', '+380673330001', 'shop-77', 2, false, 1, '{"company_name": "ТОВ «Дзвін»", "city": "Київ"}'),
    (2, 1, 'Гліб Сорока', NULL, '+380503330002', NULL, 1, false, NULL, '{"company_name": "Кіоск"}'),
    -- Wrote from a telephone, and has no name; wrote an e-mail, and has none either.
    (3, 1, '', NULL, '+380933330003', NULL, 1, false, NULL, '{}'),
    (4, 1, ' ', 'question@example.com', NULL, NULL, 1, false, NULL, '{}'),
    -- Looked at the site: a made-up name, and nothing else.
    (5, 1, 'misty-river-42', NULL, NULL, NULL, 0, false, NULL, '{}'),
    -- Blocked.
    (6, 1, 'Набрид Усім', NULL, '+380963330006', NULL, 1, true, NULL, '{}'),
    -- Another tenant's.
    (7, 2, 'Не наш', 'raisa@example.com', '+380673330001', NULL, 2, false, 2, '{}'),
    -- Twice the same person; somebody will merge them.
    (8, 1, 'Мілана Цар', NULL, '+380973330008', NULL, 1, false, NULL, '{}'),
    (9, 1, 'Мілана', 'milana@example.com', NULL, NULL, 1, false, 1, '{}');

INSERT INTO public.conversations (id, account_id, contact_id, display_id, assignee_id, status) VALUES
    (11, 1, 1, 1, 1, 0),
    (12, 1, 1, 2, 2, 1),  -- newer, and resolved
    (13, 2, 7, 1, 2, 0),
    (14, 1, 2, 3, NULL, 0),
    (15, 1, 9, 4, 2, 1);

SELECT setval('public.contacts_id_seq', 100), setval('public.conversations_id_seq', 100);
