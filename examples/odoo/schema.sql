-- The tables of Odoo 17 and 18 that this mapping reads, told in our own words: enough of each to try the mapping on.
-- A real Odoo has many more columns. Odoo 19 has no res_partner.mobile and no crm_lead.mobile.

CREATE TABLE public.res_country (
    id   serial PRIMARY KEY,
    code varchar(2),
    name jsonb NOT NULL  -- translated: {"en_US": "Ukraine", "uk_UA": "Україна"}
);

CREATE TABLE public.res_partner (
    id                    serial PRIMARY KEY,
    active                boolean,
    is_company            boolean,
    type                  varchar,  -- contact, invoice, delivery or other
    parent_id             integer REFERENCES public.res_partner ON DELETE SET NULL,
    commercial_partner_id integer REFERENCES public.res_partner ON DELETE SET NULL,
    name                  varchar,
    complete_name         varchar,  -- kept by Odoo: "company, name"
    company_name          varchar,  -- a company that is only a text
    phone                 varchar,
    mobile                varchar,
    phone_sanitized       varchar,  -- kept by Odoo: one of the two above in E.164
    email                 varchar,
    user_id               integer,  -- the salesperson
    country_id            integer REFERENCES public.res_country,
    partner_share         boolean,  -- false: a colleague who works in this Odoo
    create_date           timestamp,
    write_date            timestamp,
    CHECK ((type = 'contact' AND name IS NOT NULL) OR type <> 'contact')
);
CREATE INDEX ON public.res_partner (parent_id);
CREATE INDEX ON public.res_partner (commercial_partner_id);

CREATE TABLE public.res_users (
    id         serial PRIMARY KEY,
    login      varchar NOT NULL UNIQUE,
    active     boolean DEFAULT true,
    partner_id integer NOT NULL REFERENCES public.res_partner  -- a user's name and number are a partner's
);
ALTER TABLE public.res_partner ADD FOREIGN KEY (user_id) REFERENCES public.res_users ON DELETE SET NULL;

CREATE TABLE public.crm_stage (
    id       serial PRIMARY KEY,
    sequence integer,
    name     jsonb NOT NULL,  -- translated
    is_won   boolean
);

CREATE TABLE public.crm_lead (
    id           serial PRIMARY KEY,
    active       boolean,  -- false: archived, or lost
    type         varchar NOT NULL,  -- lead or opportunity: one row is first the one, then the other
    name         varchar NOT NULL,  -- what it is about
    partner_id   integer REFERENCES public.res_partner ON DELETE SET NULL,
    contact_name varchar,
    partner_name varchar,  -- the company, as a text
    phone        varchar,
    mobile       varchar,
    email_from   varchar,
    user_id      integer REFERENCES public.res_users ON DELETE SET NULL,
    country_id   integer REFERENCES public.res_country ON DELETE SET NULL,
    stage_id     integer REFERENCES public.crm_stage ON DELETE RESTRICT,
    create_date  timestamp,
    write_date   timestamp
);
CREATE INDEX ON public.crm_lead (partner_id);
CREATE INDEX ON public.crm_lead (user_id);
CREATE INDEX ON public.crm_lead (stage_id);
