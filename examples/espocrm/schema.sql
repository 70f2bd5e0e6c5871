-- The tables of EspoCRM 9 on PostgreSQL that this mapping reads, told in our own words: enough of each to try the mapping on.
-- An id is a text of 17 letters and digits; an installation may also use uuid.

CREATE TABLE public."user" (
    id         varchar(17) PRIMARY KEY,
    user_name  varchar(50),
    type       varchar(24) DEFAULT 'regular',
    first_name varchar(100),
    last_name  varchar(100),
    is_active  boolean NOT NULL DEFAULT true,
    deleted    boolean DEFAULT false
);

CREATE TABLE public.account (
    id               varchar(17) PRIMARY KEY,
    name             varchar(255),
    assigned_user_id varchar(17),
    created_at       timestamp,
    deleted          boolean DEFAULT false
);

CREATE TABLE public.contact (
    id               varchar(17) PRIMARY KEY,
    salutation_name  varchar(255),
    first_name       varchar(100),
    last_name        varchar(100),
    middle_name      varchar(100),
    account_id       varchar(17),  -- the main one of its accounts
    assigned_user_id varchar(17),
    do_not_call      boolean NOT NULL DEFAULT false,
    created_at       timestamp,
    modified_at      timestamp,
    deleted          boolean DEFAULT false  -- nothing is deleted from the table for a long time
);
CREATE INDEX ON public.contact (account_id);
CREATE INDEX ON public.contact (assigned_user_id, deleted);

CREATE TABLE public.account_contact (
    id          bigserial PRIMARY KEY,
    account_id  varchar(17),
    contact_id  varchar(17),
    role        varchar(100),
    is_inactive boolean DEFAULT false,  -- no longer works there
    deleted     boolean DEFAULT false,
    UNIQUE (account_id, contact_id)
);
CREATE INDEX ON public.account_contact (contact_id);

CREATE TABLE public.lead (
    id                     varchar(17) PRIMARY KEY,
    first_name             varchar(100),
    last_name              varchar(100),
    middle_name            varchar(100),
    account_name           varchar(255),  -- the company, as a text
    status                 varchar(255) DEFAULT 'New',  -- … Converted, Recycled, Dead
    assigned_user_id       varchar(17),
    created_account_id     varchar(17),
    created_contact_id     varchar(17),  -- what a conversion has made of it
    created_opportunity_id varchar(17),
    created_at             timestamp,
    modified_at            timestamp,
    deleted                boolean DEFAULT false
);
CREATE INDEX ON public.lead (created_contact_id);
CREATE INDEX ON public.lead (assigned_user_id, deleted);

CREATE TABLE public.opportunity (
    id               varchar(17) PRIMARY KEY,
    name             varchar(255),
    stage            varchar(255) DEFAULT 'Prospecting',  -- … Closed Won, Closed Lost
    account_id       varchar(17),
    contact_id       varchar(17),  -- the main one of its contacts
    assigned_user_id varchar(17),
    created_at       timestamp,
    deleted          boolean DEFAULT false
);

CREATE TABLE public.contact_opportunity (
    id             bigserial PRIMARY KEY,
    contact_id     varchar(17),
    opportunity_id varchar(17),
    role           varchar(50),
    deleted        boolean DEFAULT false,
    UNIQUE (contact_id, opportunity_id)
);
CREATE INDEX ON public.contact_opportunity (opportunity_id);

-- One row a number, whoever has it: two contacts and a lead with the same number share it.
CREATE TABLE public.phone_number (
    id      varchar(17) PRIMARY KEY,
    name    varchar(36) NOT NULL,  -- the number
    type    varchar(255),  -- Mobile, Office, Home, Fax, Other
    "numeric" varchar(36),  -- its digits
    invalid boolean NOT NULL DEFAULT false,
    opt_out boolean NOT NULL DEFAULT false,
    deleted boolean DEFAULT false
);

CREATE TABLE public.entity_phone_number (
    id              bigserial PRIMARY KEY,
    entity_id       varchar(17),
    phone_number_id varchar(17),
    entity_type     varchar(100),  -- Contact, Lead, Account, User
    "primary"       boolean DEFAULT false,
    deleted         boolean DEFAULT false,
    UNIQUE (entity_id, phone_number_id, entity_type)
);
CREATE INDEX ON public.entity_phone_number (phone_number_id);

CREATE TABLE public.email_address (
    id      varchar(17) PRIMARY KEY,
    name    varchar(255) NOT NULL,
    lower   varchar(255) NOT NULL,
    invalid boolean NOT NULL DEFAULT false,
    opt_out boolean NOT NULL DEFAULT false,
    deleted boolean DEFAULT false
);

CREATE TABLE public.entity_email_address (
    id               bigserial PRIMARY KEY,
    entity_id        varchar(17),
    email_address_id varchar(17),
    entity_type      varchar(100),
    "primary"        boolean DEFAULT false,
    deleted          boolean DEFAULT false,
    UNIQUE (entity_id, email_address_id, entity_type)
);
CREATE INDEX ON public.entity_email_address (email_address_id);
