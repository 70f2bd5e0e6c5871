-- The demo CRM. Every name, number and address in it is made up.

CREATE SCHEMA crm;

-- By this comment the schema is known as ours: a schema `crm` without it is never touched.
COMMENT ON SCHEMA crm IS 'ringostat-sync demo CRM: made-up data, may be dropped at any time';

CREATE TABLE crm.staff (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL,
    extension    text NOT NULL,
    ringostat_id text
);
COMMENT ON COLUMN crm.staff.ringostat_id IS 'The employee''s id in Ringostat; null: has no telephone there';

CREATE TABLE crm.companies (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL,
    city       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE crm.contacts (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    last_name        text,
    first_name       text,
    patronymic       text,
    company_id       bigint REFERENCES crm.companies,
    position         text,
    staff_id         bigint NOT NULL REFERENCES crm.staff,
    channel          text NOT NULL,
    google_client_id text,
    hidden           boolean NOT NULL DEFAULT false,
    notes            text,
    last_call_at     timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN crm.contacts.hidden IS 'Must not appear on the telephones';
CREATE INDEX contacts_company_id ON crm.contacts (company_id);
CREATE INDEX contacts_staff_id ON crm.contacts (staff_id);

CREATE TABLE crm.phones (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_id bigint NOT NULL REFERENCES crm.contacts ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind IN ('mobile', 'work', 'home', 'fax')),
    number     text NOT NULL
);
COMMENT ON COLUMN crm.phones.number IS 'As somebody typed it';
CREATE INDEX phones_contact_id ON crm.phones (contact_id);

CREATE TABLE crm.emails (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_id bigint NOT NULL REFERENCES crm.contacts ON DELETE CASCADE,
    kind       text NOT NULL CHECK (kind IN ('work', 'personal')),
    address    text NOT NULL
);
CREATE INDEX emails_contact_id ON crm.emails (contact_id);

CREATE TABLE crm.leads (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name             text NOT NULL,
    phone            text NOT NULL,
    email            text,
    channel          text NOT NULL,
    status           text NOT NULL CHECK (status IN ('new', 'in_work', 'converted')),
    staff_id         bigint REFERENCES crm.staff,
    google_client_id text,
    contact_id       bigint REFERENCES crm.contacts ON DELETE CASCADE,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT converted_into_a_contact CHECK ((status = 'converted') = (contact_id IS NOT NULL))
);
COMMENT ON COLUMN crm.leads.contact_id IS 'The contact that the lead has become';
CREATE INDEX leads_contact_id ON crm.leads (contact_id);

CREATE TABLE crm.deals (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_id bigint NOT NULL REFERENCES crm.contacts ON DELETE CASCADE,
    title      text NOT NULL,
    stage      text NOT NULL CHECK (stage IN ('new', 'offer', 'contract', 'won', 'lost')),
    amount     numeric(12, 2) NOT NULL CHECK (amount > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX deals_contact_id ON crm.deals (contact_id);

CREATE TABLE crm.calls (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_id bigint NOT NULL REFERENCES crm.contacts ON DELETE CASCADE,
    staff_id   bigint NOT NULL REFERENCES crm.staff,
    direction  text NOT NULL CHECK (direction IN ('in', 'out')),
    seconds    integer NOT NULL CHECK (seconds >= 0),
    started_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX calls_contact_id ON crm.calls (contact_id);
