-- The tables of Chatwoot that this mapping reads, told in our own words: enough of each to try the mapping on.

CREATE TABLE public.accounts (  -- a tenant
    id   serial PRIMARY KEY,
    name varchar NOT NULL
);

CREATE TABLE public.users (
    id    serial PRIMARY KEY,
    name  varchar NOT NULL,
    email varchar
);

CREATE TABLE public.account_users (  -- who works for which tenant
    id         bigserial PRIMARY KEY,
    account_id bigint,
    user_id    bigint,
    role       integer DEFAULT 0,
    UNIQUE (account_id, user_id)
);

CREATE TABLE public.companies (
    id         bigserial PRIMARY KEY,
    name       varchar NOT NULL,
    domain     varchar,
    account_id bigint NOT NULL
);
CREATE INDEX ON public.companies (account_id);

CREATE TABLE public.contacts (
    id                    serial PRIMARY KEY,
    account_id            integer NOT NULL REFERENCES public.accounts,
    name                  varchar DEFAULT '',
    middle_name           varchar DEFAULT '',
    last_name             varchar DEFAULT '',
    email                 varchar,
    phone_number          varchar,  -- in E.164, or nothing
    identifier            varchar,  -- the id in the shop or CRM that the chat belongs to
    contact_type          integer DEFAULT 0,  -- 0 visitor, 1 lead, 2 customer
    blocked               boolean NOT NULL DEFAULT false,
    company_id            bigint,
    additional_attributes jsonb DEFAULT '{}',  -- {"company_name": "…", "city": "…", …}
    custom_attributes     jsonb DEFAULT '{}',
    last_activity_at      timestamp,
    UNIQUE (email, account_id),
    UNIQUE (identifier, account_id)
);
CREATE INDEX ON public.contacts (account_id);
CREATE INDEX ON public.contacts (company_id);

CREATE TABLE public.conversations (
    id               serial PRIMARY KEY,
    account_id       integer NOT NULL,
    contact_id       bigint,
    display_id       integer NOT NULL,  -- the number that people see, from 1 for each account
    assignee_id      integer,
    status           integer NOT NULL DEFAULT 0,  -- 0 open, 1 resolved, 2 pending, 3 snoozed
    last_activity_at timestamp NOT NULL DEFAULT now(),  -- each message changes it
    UNIQUE (account_id, display_id)
);
CREATE INDEX ON public.conversations (contact_id);
