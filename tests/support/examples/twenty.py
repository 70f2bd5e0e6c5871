"""Twenty: its truth, and a day of it."""

from __future__ import annotations

from typing import Any

from tests.support.examples.crm import (
    Document,
    Entry,
    Step,
    Tables,
    belonging,
    contact,
    corrections,
    organization,
    phone,
    ways,
)

NAME = "twenty"
SCHEMA = "workspace_7ciwf6hjp6zggjgc7zn0hrpq9"
ORIGIN = "Twenty"
NOBODY = 1
LINK = "https://twenty.example.com/object/{kind}/{id}"
BIG = {"person", "company", "opportunity"}


def truth(crm: Tables) -> dict[Entry, Document]:
    companies = {key: row for key, row in crm.by_id("company").items() if row["deletedAt"] is None}
    deals = [row for row in crm.opportunity if row["deletedAt"] is None]
    made = {
        Entry("organization", str(key)): organization(ORIGIN, key, row["name"])
        for key, row in companies.items()
        if row["name"]
    }
    for key, row in crm.by_id("person").items():
        found = [_number(row["phonesPrimaryPhoneNumber"], row["phonesPrimaryPhoneCallingCode"])]
        found += [_number(more["number"], more["callingCode"]) for more in row["phonesAdditionalPhones"] or []]
        found += [
            ("email", None, address) for address in (row["emailsPrimaryEmail"], *(row["emailsAdditionalEmails"] or []))
        ]
        if row["deletedAt"] is not None or not (directions := ways(*found)):
            continue
        company = companies.get(row["companyId"], {})
        own = [deal for deal in deals if deal["pointOfContactId"] == key]
        own.sort(key=lambda deal: (deal["stage"] == "CUSTOMER", -deal["createdAt"].timestamp()))
        made[Entry("contact", str(key))] = contact(
            ORIGIN,
            f"{row['nameLastName']} {row['nameFirstName']}".strip() or row["emailsPrimaryEmail"],
            directions,
            company.get("accountOwnerId") or NOBODY,
            externalId=key,
            contactLink=LINK.format(kind="person", id=key),
            dealLink=own and LINK.format(kind="opportunity", id=own[0]["id"]),
            organizations=belonging(ORIGIN, [(company["id"], company["name"])] if company.get("name") else []),
        )
    return made


def _number(written: str | None, code: str | None) -> tuple[str, None, str | None]:
    return "phone", None, phone(written, (code or "+380").removeprefix("+"))


def identity(letter: str, number: int) -> str:
    return f"{letter * 8}-0000-4000-8000-{number:012}"


def table(name: str) -> str:
    return f"{SCHEMA}.{name}"


def person(number: int, **changed: Any) -> str:
    """An UPDATE of one person."""
    pairs = ", ".join(f'"{name}" = {value}' for name, value in changed.items())
    return f"UPDATE {table('person')} SET {pairs} WHERE id = '{identity('c', number)}'"


DAY = [
    *corrections(
        table("person"),
        (identity("c", 1), "nameFirstName", "'Євгеній'"),
        (identity("c", 1), "nameLastName", "'Литвиненко'"),
        (identity("c", 1), "phonesPrimaryPhoneCallingCode", "'+48'"),
        (identity("c", 1), "phonesPrimaryPhoneCallingCode", "'+380'"),
        (identity("c", 1), "emailsPrimaryEmail", "NULL"),
        (identity("c", 1), "emailsAdditionalEmails", "'[]'"),
    ),
    *corrections(
        table("opportunity"),
        (identity("d", 2), "createdAt", "'2026-03-03'"),
        (identity("d", 1), "stage", "'PROPOSAL'"),
        (identity("d", 1), "createdAt", "'2026-04-04'"),
        (identity("d", 1), "stage", "'CUSTOMER'"),
        (identity("d", 1), "stage", "'NEW'"),
        (identity("d", 1), "deletedAt", "now()"),
    ),
    Step(
        "somebody creates a person",
        f'INSERT INTO {table("person")} (id, "nameFirstName", "nameLastName", "phonesPrimaryPhoneNumber", "phonesPrimaryPhoneCountryCode",'
        f" \"phonesPrimaryPhoneCallingCode\", \"companyId\") VALUES ('{identity('c', 20)}', 'Юлія', 'Кравчук', '637770020', 'UA',"
        f" '+380', '{identity('b', 2)}')",
    ),
    Step("a number is changed", person(20, phonesPrimaryPhoneNumber="'637770021'")),
    Step(
        "the country of a number is changed",
        person(20, phonesPrimaryPhoneCallingCode="'+48'", phonesPrimaryPhoneNumber="'221230021'"),
    ),
    Step(
        "a further number is added",
        person(2, phonesAdditionalPhones='\'[{"number": "442220002", "callingCode": "+380"}]\''),
    ),
    Step(
        "what nobody sees is changed", f'UPDATE {table("person")} SET "updatedAt" = now(), "jobTitle" = \'Директорка\''
    ),
    Step(
        "a company is renamed",
        f"UPDATE {table('company')} SET name = 'ТОВ «Маяк Плюс»' WHERE id = '{identity('b', 1)}'",
    ),
    Step(
        "a company gets its name at last",
        f"UPDATE {table('company')} SET name = 'Майстерня' WHERE id = '{identity('b', 4)}'",
    ),
    Step(
        "another member owns a company",
        f"UPDATE {table('company')} SET \"accountOwnerId\" = '{identity('a', 2)}' WHERE id = '{identity('b', 1)}'",
    ),
    Step(
        "a company comes out of the bin",
        f"UPDATE {table('company')} SET \"deletedAt\" = NULL WHERE id = '{identity('b', 3)}'",
    ),
    Step("a person goes into the bin", person(2, deletedAt="now()")),
    Step("and one comes out of it", person(4, deletedAt="NULL")),
    Step("a person changes the company", person(3, companyId=f"'{identity('b', 4)}'")),
    Step(
        "an opportunity is won", f"UPDATE {table('opportunity')} SET stage = 'CUSTOMER' WHERE id = '{identity('d', 2)}'"
    ),
    Step(
        "an opportunity comes out of the bin",
        f"UPDATE {table('opportunity')} SET \"deletedAt\" = NULL WHERE id = '{identity('d', 3)}'",
    ),
    Step(
        "a member leaves", f"DELETE FROM {table(chr(34) + 'workspaceMember' + chr(34))} WHERE id = '{identity('a', 2)}'"
    ),
    Step(
        "two people are merged: one takes what both had, and what points to the other, which is deleted",
        person(5, phonesAdditionalPhones='\'[{"number": "982220006", "countryCode": "UA", "callingCode": "+380"}]\'')
        + f"; UPDATE {table('opportunity')} SET \"pointOfContactId\" = '{identity('c', 5)}'"
        f" WHERE \"pointOfContactId\" = '{identity('c', 6)}'"
        f"; DELETE FROM {table('person')} WHERE id = '{identity('c', 6)}'",
    ),
    Step("a person is deleted for good", f"DELETE FROM {table('person')} WHERE id = '{identity('c', 1)}'"),
    Step("a company is deleted for good", f"DELETE FROM {table('company')} WHERE id = '{identity('b', 1)}'"),
]
MERGED, SURVIVOR, MOVED_NUMBER = identity("c", 6), identity("c", 5), "+380982220006"
CONVERTED = None
