-- The tables of a workspace of Twenty that this mapping reads, told in our own words: enough of each to try the mapping on.
-- A workspace is a schema, whose name ends in the workspace's id. A field of several parts is a column for each part.

CREATE SCHEMA workspace_7ciwf6hjp6zggjgc7zn0hrpq9;
CREATE TYPE workspace_7ciwf6hjp6zggjgc7zn0hrpq9.opportunity_stage_enum AS ENUM ('NEW', 'SCREENING', 'MEETING', 'PROPOSAL', 'CUSTOMER');

CREATE TABLE workspace_7ciwf6hjp6zggjgc7zn0hrpq9."workspaceMember" (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "nameFirstName" text,
    "nameLastName"  text,
    "userEmail"     text,
    "userId"        uuid,
    "deletedAt"     timestamptz
);

CREATE TABLE workspace_7ciwf6hjp6zggjgc7zn0hrpq9.company (
    id                         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name                       text,
    "domainNamePrimaryLinkUrl" text,
    "accountOwnerId"           uuid REFERENCES workspace_7ciwf6hjp6zggjgc7zn0hrpq9."workspaceMember" ON DELETE SET NULL,
    "createdAt"                timestamptz NOT NULL DEFAULT now(),
    "deletedAt"                timestamptz  -- filled: in the bin
);
CREATE INDEX ON workspace_7ciwf6hjp6zggjgc7zn0hrpq9.company ("accountOwnerId");

CREATE TABLE workspace_7ciwf6hjp6zggjgc7zn0hrpq9.person (
    id                        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    "nameFirstName"           text,
    "nameLastName"            text,
    "emailsPrimaryEmail"      text,
    "emailsAdditionalEmails"  jsonb,  -- ["…", …]
    "phonesPrimaryPhoneNumber"      text,  -- without the country's code
    "phonesPrimaryPhoneCountryCode" text,  -- UA
    "phonesPrimaryPhoneCallingCode" text,  -- +380
    "phonesAdditionalPhones"  jsonb,  -- [{"number": "…", "countryCode": "UA", "callingCode": "+380"}, …]
    "jobTitle"                text,
    "companyId"               uuid REFERENCES workspace_7ciwf6hjp6zggjgc7zn0hrpq9.company ON DELETE SET NULL,
    "createdAt"               timestamptz NOT NULL DEFAULT now(),
    "updatedAt"               timestamptz NOT NULL DEFAULT now(),
    "deletedAt"               timestamptz
);
CREATE INDEX ON workspace_7ciwf6hjp6zggjgc7zn0hrpq9.person ("companyId");

CREATE TABLE workspace_7ciwf6hjp6zggjgc7zn0hrpq9.opportunity (
    id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name               text,
    stage              workspace_7ciwf6hjp6zggjgc7zn0hrpq9.opportunity_stage_enum NOT NULL DEFAULT 'NEW',
    "pointOfContactId" uuid REFERENCES workspace_7ciwf6hjp6zggjgc7zn0hrpq9.person ON DELETE SET NULL,
    "companyId"        uuid REFERENCES workspace_7ciwf6hjp6zggjgc7zn0hrpq9.company ON DELETE SET NULL,
    "createdAt"        timestamptz NOT NULL DEFAULT now(),
    "deletedAt"        timestamptz
);
CREATE INDEX ON workspace_7ciwf6hjp6zggjgc7zn0hrpq9.opportunity ("pointOfContactId");
