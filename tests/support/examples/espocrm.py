"""EspoCRM: its truth, and a day of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.support.examples.crm import (
    Document,
    Entry,
    Step,
    Tables,
    belonging,
    contact,
    organization,
    phone,
    ways,
)
from tests.support.examples.espocrm_corrections import CORRECTIONS

NAME = "espocrm"
SCHEMA = "public"
ORIGIN = "EspoCRM"
NOBODY = 1
LINK = "https://espo.example.com/#{kind}/view/{id}"
BIG = {
    "contact",
    "account",
    "account_contact",
    "lead",
    "opportunity",
    "contact_opportunity",
    "phone_number",
    "entity_phone_number",
}


Row = dict[str, Any]


class Espo:
    """The tables, read once."""

    def __init__(self, crm: Tables) -> None:
        self.contacts, self.leads, self.users = crm.by_id("contact"), crm.by_id("lead"), crm.by_id("user")
        self.accounts, self.deals = crm.by_id("account"), crm.by_id("opportunity")
        self.jobs, self.parts = crm.account_contact, crm.contact_opportunity
        self.numbers = crm.by_id("phone_number"), crm.entity_phone_number, "phone_number_id"
        self.addresses = crm.by_id("email_address"), crm.entity_email_address, "email_address_id"

    def responsible(self, row: Row) -> Any:
        user = self.users.get(row["assigned_user_id"])
        return user["id"] if user and user["is_active"] and not user["deleted"] else NOBODY

    def directions(self, row: Row, kind: str) -> list[Document]:
        numbers = linked(*self.numbers, row["id"], kind)
        addresses = linked(*self.addresses, row["id"], kind)
        return ways(
            *(("phone", number["type"], phone(number["name"])) for number in numbers if number["type"] != "Fax"),
            *(("email", "email", address["name"]) for address in addresses),
        )

    def contact(self, row: Row) -> Document:
        key = row["id"]
        origin = [lead for lead in self.leads.values() if lead["created_contact_id"] == key and not lead["deleted"]]
        origin.sort(key=lambda lead: lead["created_at"])
        deals = there(self.deals[part["opportunity_id"]] for part in there(self.parts) if part["contact_id"] == key)
        deals.sort(key=lambda deal: (deal["stage"].startswith("Closed"), -deal["created_at"].timestamp()))
        jobs = [job for job in there(self.jobs) if job["contact_id"] == key and not job["is_inactive"]]
        works = there(self.accounts[job["account_id"]] for job in jobs)
        works.sort(key=lambda account: (account["id"] != row["account_id"], account["name"]))
        return contact(
            ORIGIN,
            name(row),
            self.directions(row, "Contact"),
            self.responsible(row),
            externalId=key,
            leadId=origin and origin[-1]["id"],
            contactLink=LINK.format(kind="Contact", id=key),
            leadLink=origin and LINK.format(kind="Lead", id=origin[-1]["id"]),
            dealLink=deals and LINK.format(kind="Opportunity", id=deals[0]["id"]),
            organizations=belonging(ORIGIN, [(account["id"], account["name"]) for account in works]),
        )

    def lead(self, row: Row) -> Document:
        return contact(
            ORIGIN,
            ", ".join(part for part in (name(row), row["account_name"]) if part),
            self.directions(row, "Lead"),
            self.responsible(row),
            leadId=row["id"],
            leadLink=LINK.format(kind="Lead", id=row["id"]),
        )


def there(rows: Iterable[Row]) -> list[Row]:
    """Those that are not deleted softly."""
    return [row for row in rows if not row["deleted"]]


def linked(values: dict[str, Row], links: list[Row], column: str, key: str, kind: str) -> list[Row]:
    """The numbers or addresses of one record that are of use, the main one first."""
    own = [link for link in there(links) if (link["entity_id"], link["entity_type"]) == (key, kind)]
    own.sort(key=lambda link: (not link["primary"], link["id"]))
    found = there(values[link[column]] for link in own)
    return [value for value in found if not value["invalid"] and not value["name"].startswith("ERASED")]


def name(row: Row) -> str:
    return " ".join(part for part in (row["last_name"], row["first_name"], row["middle_name"]) if part)


def truth(crm: Tables) -> dict[Entry, Document]:
    espo = Espo(crm)
    leads = [row for row in there(espo.leads.values()) if not row["created_contact_id"]]
    return (
        {
            Entry("organization", row["id"]): organization(ORIGIN, row["id"], row["name"])
            for row in there(espo.accounts.values())
        }
        | {
            Entry("contact", row["id"]): espo.contact(row)
            for row in there(espo.contacts.values())
            if espo.directions(row, "Contact")
        }
        | {Entry("lead", row["id"]): espo.lead(row) for row in leads if espo.directions(row, "Lead")}
    )


def link(what: str, kind: str, key: str, identity: str) -> str:
    """As EspoCRM gives a number or an address that is there already to one more."""
    return (
        f'INSERT INTO public.entity_{what} (entity_id, {what}_id, entity_type, "primary", deleted)'
        f" VALUES ('{key}', '{identity}', '{kind}', false, false)"
    )


def number(identity: str, written: str, *whose: tuple[str, str]) -> str:
    """As EspoCRM writes a number down: the row of the number, and one for each who has it."""
    of_whom = "; ".join(
        'INSERT INTO public.entity_phone_number (entity_id, phone_number_id, entity_type, "primary", deleted)'
        f" VALUES ('{key}', '{identity}', '{kind}', true, false)"
        for kind, key in whose
    )
    return f"INSERT INTO public.phone_number (id, name, type) VALUES ('{identity}', '{written}', 'Mobile'); {of_whom}"


DAY = [
    *CORRECTIONS,
    Step(
        "somebody creates a contact",
        "INSERT INTO public.contact (id, first_name, last_name, account_id, assigned_user_id, created_at) VALUES"
        " ('6501a0000000con20', 'Яна', 'Білик', '6501a00000000acc1', '6501a0000000user1', now());"
        " INSERT INTO public.account_contact (account_id, contact_id) VALUES ('6501a00000000acc1', '6501a0000000con20');"
        + number("6501a0000000pho20", "+380637770020", ("Contact", "6501a0000000con20")),
    ),
    Step(
        "a number is changed: the old link is deleted, the new one written",
        "DELETE FROM public.entity_phone_number WHERE entity_id = '6501a0000000con20';"
        + number("6501a0000000pho21", "+380637770021", ("Contact", "6501a0000000con20")),
    ),
    Step("what nobody sees is changed", "UPDATE public.contact SET modified_at = now(), do_not_call = true"),
    Step(
        "a number that two have is corrected",
        "UPDATE public.phone_number SET name = '044 111 01 99' WHERE id = '6501a0000000pho02'",
    ),
    Step(
        "a number turns out to be wrong", "UPDATE public.phone_number SET invalid = true WHERE id = '6501a0000000pho01'"
    ),
    Step("and right after all", "UPDATE public.phone_number SET invalid = false WHERE id = '6501a0000000pho01'"),
    Step(
        "a number of somebody's is another contact's, too",
        link("phone_number", "Contact", "6501a00000000con4", "6501a0000000pho04"),
    ),
    Step(
        "an address is another contact's, too",
        link("email_address", "Contact", "6501a00000000con2", "6501a0000000ema02"),
    ),
    Step(
        "an address is corrected",
        "UPDATE public.email_address SET name = 'kolos.new@example.com' WHERE id = '6501a0000000ema02'",
    ),
    Step(
        "an address turns out to be right",
        "UPDATE public.email_address SET invalid = false WHERE id = '6501a0000000ema03'",
    ),
    Step(
        "a lead gets a name",
        "UPDATE public.lead SET first_name = 'Зоя', last_name = 'Гай' WHERE id = '6501a0000000lead2'",
    ),
    Step("a lead gets a number of somebody's", link("phone_number", "Lead", "6501a0000000lead2", "6501a0000000pho04")),
    Step(
        "a lead gets an address of somebody's", link("email_address", "Lead", "6501a0000000lead1", "6501a0000000ema03")
    ),
    Step(
        "a number of a lead is corrected",
        "UPDATE public.phone_number SET name = '+380951110119' WHERE id = '6501a0000000pho10'",
    ),
    Step(
        "an address of a lead turns out to be wrong",
        "UPDATE public.email_address SET invalid = true WHERE id = '6501a0000000ema03'",
    ),
    Step(
        "a lead that was converted is deleted", "UPDATE public.lead SET deleted = true WHERE id = '6501a0000000lead3'"
    ),
    Step(
        "a contact takes part in an opportunity",
        "UPDATE public.contact_opportunity SET deleted = false"
        " WHERE contact_id = '6501a00000000con2' AND opportunity_id = '6501a00000000opp2'",
    ),
    Step("an account is renamed", "UPDATE public.account SET name = 'ТОВ «Криниця-2»' WHERE id = '6501a00000000acc1'"),
    Step("an account is deleted, softly", "UPDATE public.account SET deleted = true WHERE id = '6501a00000000acc2'"),
    Step("and restored", "UPDATE public.account SET deleted = false WHERE id = '6501a00000000acc2'"),
    Step(
        "a contact leaves an account",
        "UPDATE public.account_contact SET is_inactive = true WHERE contact_id = '6501a00000000con1' AND account_id = '6501a00000000acc2'",
    ),
    Step(
        "another user gets a contact",
        "UPDATE public.contact SET assigned_user_id = '6501a0000000user2' WHERE id = '6501a00000000con1'",
    ),
    Step("a user leaves", "UPDATE public.\"user\" SET is_active = false WHERE id = '6501a0000000user2'"),
    Step(
        "an opportunity is closed", "UPDATE public.opportunity SET stage = 'Closed Lost' WHERE id = '6501a00000000opp2'"
    ),
    Step(
        "a lead is converted: a contact with its number, and the lead says which",
        "INSERT INTO public.contact (id, first_name, last_name, assigned_user_id, created_at) VALUES"
        " ('6501a0000000con21', 'Максим', 'Олійник', '6501a0000000user1', now());"
        ' INSERT INTO public.entity_phone_number (entity_id, phone_number_id, entity_type, "primary") VALUES'
        " ('6501a0000000con21', '6501a0000000pho10', 'Contact', true);"
        " UPDATE public.lead SET status = 'Converted', created_contact_id = '6501a0000000con21' WHERE id = '6501a0000000lead1'",
    ),
    Step("a contact is deleted, softly", "UPDATE public.contact SET deleted = true WHERE id = '6501a00000000con6'"),
    Step(
        "two contacts are merged: one is deleted softly, and what it had is the other's",
        "UPDATE public.contact SET deleted = true WHERE id = '6501a00000000con5';"
        " INSERT INTO public.account_contact (account_id, contact_id) VALUES ('6501a00000000acc2', '6501a00000000con4');"
        ' INSERT INTO public.entity_phone_number (entity_id, phone_number_id, entity_type, "primary", deleted) VALUES'
        " ('6501a00000000con4', '6501a0000000pho07', 'Contact', false, false)",
    ),
    Step("the bin is emptied", "DELETE FROM public.contact WHERE deleted"),
]
MERGED, SURVIVOR, MOVED_NUMBER = "6501a00000000con5", "6501a00000000con4", "+380631110107"
CONVERTED = ("6501a0000000lead1", "6501a0000000con21")
