-- Invented people, with what makes an EspoCRM odd.

INSERT INTO public."user" (id, user_name, first_name, last_name, is_active, deleted) VALUES
    ('6501a0000000user1', 'iryna', 'Ірина', 'Савчук', true, false),
    ('6501a0000000user2', 'andrii', 'Андрій', 'Поліщук', true, false),
    ('6501a0000000user3', 'halyna', 'Галина', 'Руденко', false, false);  -- has left

INSERT INTO public.account (id, name, assigned_user_id, created_at, deleted) VALUES
    ('6501a00000000acc1', 'ТОВ «Криниця»', '6501a0000000user1', '2026-01-05 10:00', false),
    ('6501a00000000acc2', 'ПП «Верба»', '6501a0000000user2', '2026-01-06 10:00', false),
    ('6501a00000000acc3', 'Закрита фірма', '6501a0000000user2', '2026-01-07 10:00', true);

INSERT INTO public.contact (id, first_name, last_name, middle_name, account_id, assigned_user_id, created_at, deleted) VALUES
    ('6501a00000000con1', 'Василь', 'Костенко', 'Ігорович', '6501a00000000acc1', '6501a0000000user1', '2026-01-10 10:00', false),
    ('6501a00000000con2', 'Людмила', 'Ярошенко', NULL, '6501a00000000acc2', '6501a0000000user2', '2026-01-11 10:00', false),
    -- Deleted, and yet there.
    ('6501a00000000con3', 'Остап', 'Зінченко', NULL, NULL, '6501a0000000user1', '2026-01-12 10:00', true),
    -- Twice the same person; somebody will merge them.
    ('6501a00000000con4', 'Надія', 'Бойко', NULL, NULL, '6501a0000000user1', '2026-01-13 10:00', false),
    ('6501a00000000con5', 'Надежда', 'Бойко', NULL, '6501a00000000acc2', '6501a0000000user3', '2026-01-14 10:00', false),
    -- Without a first name; its accounts are deleted or former ones.
    ('6501a00000000con6', NULL, 'Пилипенко', NULL, '6501a00000000acc3', NULL, '2026-01-15 10:00', false),
    -- Nobody can be reached by what there is of these: nothing, and a number that was erased on request.
    ('6501a00000000con7', 'Без', 'Номера', NULL, NULL, '6501a0000000user1', '2026-01-16 10:00', false),
    ('6501a00000000con8', 'Стертий', 'Назавжди', NULL, NULL, '6501a0000000user1', '2026-01-17 10:00', false);

INSERT INTO public.account_contact (account_id, contact_id, role, is_inactive, deleted) VALUES
    ('6501a00000000acc1', '6501a00000000con1', 'Директор', false, false),
    ('6501a00000000acc2', '6501a00000000con1', 'Засновник', false, false),
    ('6501a00000000acc2', '6501a00000000con2', 'Бухгалтер', false, false),
    ('6501a00000000acc2', '6501a00000000con5', NULL, false, false),
    ('6501a00000000acc1', '6501a00000000con5', NULL, false, true),
    ('6501a00000000acc3', '6501a00000000con6', NULL, false, false),
    ('6501a00000000acc1', '6501a00000000con6', 'Водій', true, false);

INSERT INTO public.lead
    (id, first_name, last_name, account_name, status, assigned_user_id, created_contact_id, created_at, deleted)
VALUES
    ('6501a0000000lead1', 'Максим', 'Олійник', 'Кав''ярня «Зерно»', 'New', '6501a0000000user2', NULL, '2026-02-01 10:00', false),
    ('6501a0000000lead2', NULL, NULL, 'Пекарня «Колос»', 'Assigned', NULL, NULL, '2026-02-02 10:00', false),
    ('6501a0000000lead3', 'Людмила', 'Ярошенко', NULL, 'Converted', '6501a0000000user2', '6501a00000000con2', '2026-01-11 09:00', false),
    ('6501a0000000lead4', 'Спам', 'Спамович', NULL, 'Dead', NULL, NULL, '2026-02-03 10:00', true);

INSERT INTO public.opportunity (id, name, stage, account_id, contact_id, created_at, deleted) VALUES
    ('6501a00000000opp1', 'Кавоварки', 'Closed Won', '6501a00000000acc1', '6501a00000000con1', '2026-02-10 10:00', false),
    ('6501a00000000opp2', 'Обслуговування', 'Proposal', '6501a00000000acc1', '6501a00000000con1', '2026-02-09 10:00', false),
    ('6501a00000000opp3', 'Помилкова', 'Proposal', '6501a00000000acc2', '6501a00000000con2', '2026-02-11 10:00', true);

INSERT INTO public.contact_opportunity (contact_id, opportunity_id, deleted) VALUES
    ('6501a00000000con1', '6501a00000000opp1', false),
    ('6501a00000000con1', '6501a00000000opp2', false),
    ('6501a00000000con2', '6501a00000000opp3', false),
    ('6501a00000000con2', '6501a00000000opp2', true);

INSERT INTO public.phone_number (id, name, type, "numeric", invalid, deleted) VALUES
    ('6501a0000000pho01', '+380671110101', 'Mobile', '380671110101', false, false),
    ('6501a0000000pho02', '044 111 01 02', 'Office', '0441110102', false, false),
    ('6501a0000000pho03', '044 111 01 03', 'Fax', '0441110103', false, false),
    ('6501a0000000pho04', '+380501110104', 'Mobile', '380501110104', false, false),
    ('6501a0000000pho05', '+380501110105', 'Mobile', '380501110105', true, false),  -- somebody has found it to be wrong
    ('6501a0000000pho06', '093 111 01 06', 'Mobile', '0931110106', false, false),
    ('6501a0000000pho07', '(063) 111-01-07', 'Home', '0631110107', false, false),
    ('6501a0000000pho08', '+380991110108', 'Mobile', '380991110108', false, false),
    ('6501a0000000pho09', 'ERASED:6501a0000000pho09', 'Mobile', NULL, false, false),
    ('6501a0000000pho10', '+380951110110', 'Mobile', '380951110110', false, false),
    ('6501a0000000pho11', '+380681110111', 'Mobile', '380681110111', false, false);

INSERT INTO public.entity_phone_number (entity_id, phone_number_id, entity_type, "primary", deleted) VALUES
    ('6501a00000000con1', '6501a0000000pho02', 'Contact', false, false),
    ('6501a00000000con1', '6501a0000000pho01', 'Contact', true, false),
    ('6501a00000000con1', '6501a0000000pho03', 'Contact', false, false),
    ('6501a00000000con2', '6501a0000000pho04', 'Contact', true, false),
    ('6501a00000000con2', '6501a0000000pho05', 'Contact', false, false),
    ('6501a00000000con2', '6501a0000000pho01', 'Contact', false, true),
    ('6501a00000000con3', '6501a0000000pho08', 'Contact', true, false),
    ('6501a00000000con4', '6501a0000000pho06', 'Contact', true, false),
    ('6501a00000000con5', '6501a0000000pho07', 'Contact', true, false),
    ('6501a00000000con6', '6501a0000000pho11', 'Contact', true, false),
    ('6501a00000000con8', '6501a0000000pho09', 'Contact', true, false),
    ('6501a0000000lead1', '6501a0000000pho10', 'Lead', true, false),
    ('6501a0000000lead3', '6501a0000000pho04', 'Lead', true, false),
    ('6501a00000000acc1', '6501a0000000pho02', 'Account', true, false),
    ('6501a0000000lead2', '6501a0000000pho02', 'Lead', true, false);  -- the same row as a contact's and an account's

INSERT INTO public.email_address (id, name, lower, invalid, deleted) VALUES
    ('6501a0000000ema01', 'Vasyl@krynytsia.example.com', 'vasyl@krynytsia.example.com', false, false),
    ('6501a0000000ema02', 'kolos@example.com', 'kolos@example.com', false, false),
    ('6501a0000000ema03', 'old@example.com', 'old@example.com', true, false);

INSERT INTO public.entity_email_address (entity_id, email_address_id, entity_type, "primary", deleted) VALUES
    ('6501a00000000con1', '6501a0000000ema01', 'Contact', true, false),
    ('6501a0000000lead2', '6501a0000000ema02', 'Lead', true, false),
    ('6501a00000000con4', '6501a0000000ema03', 'Contact', true, false);
