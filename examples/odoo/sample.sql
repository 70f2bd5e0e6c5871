-- Invented people, with what makes an Odoo odd.

INSERT INTO public.res_country (id, code, name) VALUES
    (1, 'UA', '{"en_US": "Ukraine", "uk_UA": "Україна"}'),
    (2, 'PL', '{"en_US": "Poland", "uk_UA": "Польща"}'),
    (3, 'SK', '{"en_US": "Slovakia", "uk_UA": "Словаччина"}');

-- Partner 1 is our own company; 2 is the robot, archived; 3, 4 and 5 are colleagues.
INSERT INTO public.res_partner
    (id, active, is_company, type, parent_id, commercial_partner_id, name, complete_name, company_name, phone, mobile,
     phone_sanitized, email, country_id, partner_share)
VALUES
    (1, true, true, 'contact', NULL, 1, 'ТОВ «Наша справа»', 'ТОВ «Наша справа»', NULL, '044 200 00 01', NULL, '+380442000001', 'office@nasha.example.com', 1, true),
    (2, false, false, 'contact', 1, 1, 'OdooBot', 'ТОВ «Наша справа», OdooBot', NULL, NULL, NULL, NULL, 'odoobot@example.com', NULL, false),
    (3, true, false, 'contact', 1, 1, 'Марта Гнатюк', 'ТОВ «Наша справа», Марта Гнатюк', NULL, '044 200 00 03', NULL, '+380442000003', 'marta@nasha.example.com', 1, false),
    (4, true, false, 'contact', 1, 1, 'Петро Дячук', 'ТОВ «Наша справа», Петро Дячук', NULL, '044 200 00 04', NULL, '+380442000004', 'petro@nasha.example.com', 1, false),
    (5, true, false, 'contact', 1, 1, 'Ніна Лісова', 'ТОВ «Наша справа», Ніна Лісова', NULL, '044 200 00 05', NULL, '+380442000005', 'nina@nasha.example.com', 1, false);

INSERT INTO public.res_users (id, login, active, partner_id) VALUES
    (1, '__system__', false, 2),
    (2, 'marta', true, 3),
    (6, 'petro', true, 4),
    (7, 'nina', false, 5);  -- has left; her customers still bear her id

INSERT INTO public.res_partner
    (id, active, is_company, type, parent_id, commercial_partner_id, name, complete_name, company_name, phone, mobile,
     phone_sanitized, email, user_id, country_id, partner_share)
VALUES
    -- A company with people, and with addresses that have numbers of their own. One address has no name, one is archived.
    (10, true, true, 'contact', NULL, 10, 'ТОВ «Світанок»', 'ТОВ «Світанок»', NULL, '(044) 333-10-10', NULL, '+380443331010', 'info@svitanok.example.com', 2, 1, true),
    (11, true, false, 'contact', 10, 10, 'Олена Коваль', 'ТОВ «Світанок», Олена Коваль', NULL, '044 333 10 11', '067 333 10 11', '+380673331011', 'olena@svitanok.example.com', 2, 1, true),
    (12, true, false, 'contact', 10, 10, 'Ігор Бондар', 'ТОВ «Світанок», Ігор Бондар', NULL, NULL, '+380 50 333 10 12', '+380503331012', NULL, 6, 1, true),
    (13, true, false, 'delivery', 10, 10, 'Склад на Оболоні', 'ТОВ «Світанок», Склад на Оболоні', NULL, '044 333 10 13', NULL, '+380443331013', NULL, NULL, 1, true),
    (14, true, false, 'invoice', 10, 10, NULL, 'ТОВ «Світанок», Invoice Address', NULL, NULL, NULL, NULL, 'bills@svitanok.example.com', NULL, 1, true),
    (15, false, false, 'other', 10, 10, 'Старий офіс', 'ТОВ «Світанок», Старий офіс', NULL, '044 333 10 15', NULL, '+380443331015', NULL, NULL, 1, true),
    -- Archived: left the company.
    (16, false, false, 'contact', 10, 10, 'Юрій Мороз', 'ТОВ «Світанок», Юрій Мороз', NULL, NULL, '067 333 10 16', '+380673331016', NULL, 2, 1, true),
    -- Numbers written as one does in Slovakia and in Poland.
    (21, true, false, 'contact', NULL, 21, 'Jana Nováková', 'Jana Nováková', NULL, '0905 123 021', NULL, '+421905123021', NULL, 2, 3, true),
    (20, true, true, 'contact', NULL, 20, 'Zorza sp. z o.o.', 'Zorza sp. z o.o.', NULL, '22 123 45 67', NULL, '+48221234567', NULL, 6, 2, true),
    -- People without a company, one with a company that is only a text, one whose salesperson has left.
    (30, true, false, 'contact', NULL, 30, 'Тарас Гончар', 'Тарас Гончар', NULL, NULL, '093 444 30 30', '+380934443030', 'taras@example.com', NULL, 1, true),
    (31, true, false, 'contact', NULL, 31, 'Софія Кравець', 'ФОП Кравець, Софія Кравець', 'ФОП Кравець', '096 444 30 31', NULL, '+380964443031', NULL, 7, NULL, true),
    -- Twice the same person; somebody will merge them.
    (32, true, false, 'contact', NULL, 32, 'Анна Шевчук', 'Анна Шевчук', NULL, '097 444 30 32', NULL, '+380974443032', NULL, 2, 1, true),
    (33, true, false, 'contact', NULL, 33, 'Ганна Шевчук', 'Ганна Шевчук', NULL, NULL, '098 444 30 33', '+380984443033', 'hanna@example.com', 2, 1, true),
    -- A private person with a place to deliver to.
    (34, true, false, 'delivery', 33, 33, 'Дача', 'Ганна Шевчук, Дача', NULL, '045 444 30 34', NULL, '+380454443034', NULL, NULL, 1, true),
    -- Nobody can be reached by what there is of this one.
    (35, true, false, 'contact', NULL, 35, 'Без номера', 'Без номера', NULL, NULL, NULL, NULL, NULL, NULL, 1, true);

INSERT INTO public.crm_stage (id, sequence, name, is_won) VALUES
    (1, 1, '{"en_US": "New", "uk_UA": "Нова"}', false),
    (2, 2, '{"en_US": "Proposition", "uk_UA": "Пропозиція"}', false),
    (4, 4, '{"en_US": "Won", "uk_UA": "Виграна"}', true);

INSERT INTO public.crm_lead
    (id, active, type, name, partner_id, contact_name, partner_name, phone, mobile, email_from, user_id, country_id, stage_id)
VALUES
    (50, true, 'lead', 'Запит із сайту', NULL, 'Роман Ткач', NULL, '099 555 50 50', NULL, 'roman@example.com', NULL, 1, 1),
    (51, true, 'opportunity', 'Меблі для школи', NULL, 'Дарина Мельник', 'Школа № 7', '044 555 50 51', '063 555 50 51', NULL, 6, 1, 2),
    (57, true, 'lead', 'Запит з-за кордону', NULL, 'Peter Novák', NULL, '0905 123 057', NULL, NULL, 2, 3, 1),
    (52, true, 'lead', 'Дзвінок без імені', NULL, NULL, NULL, '095 555 50 52', NULL, NULL, 2, 1, 1),
    -- Lost, and so archived.
    (53, false, 'lead', 'Помилка', NULL, 'Хтось', NULL, '095 555 50 53', NULL, NULL, 2, 1, 1),
    -- Three of a contact: one won, one open, one lost.
    (54, true, 'opportunity', 'Вікна', 11, 'Олена Коваль', 'ТОВ «Світанок»', '044 333 10 11', NULL, NULL, 2, 1, 2),
    (55, true, 'opportunity', 'Двері', 11, 'Олена Коваль', 'ТОВ «Світанок»', '044 333 10 11', NULL, NULL, 2, 1, 4),
    (56, false, 'opportunity', 'Паркан', 11, 'Олена Коваль', 'ТОВ «Світанок»', '044 333 10 11', NULL, NULL, 2, 1, 1);

SELECT setval('public.res_partner_id_seq', 100), setval('public.res_users_id_seq', 100), setval('public.crm_lead_id_seq', 100);
