"""Odoo: its truth, and a day of it."""

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

NAME = "odoo"
SCHEMA = "public"
ORIGIN = "Odoo"
NOBODY = 2
LINK = "https://odoo.example.com/mail/view?model={model}&res_id={id}"
CODES = {"UA": "380", "PL": "48", "SK": "421", None: "380"}
ADDRESSES = {"invoice", "delivery", "other"}
BIG = {"res_partner", "crm_lead"}


Row = dict[str, Any]


class Odoo:
    """The tables, read once."""

    def __init__(self, crm: Tables) -> None:
        self.partners, self.users = crm.by_id("res_partner"), crm.by_id("res_users")
        self.countries, self.stages, self.leads = crm.by_id("res_country"), crm.by_id("crm_stage"), crm.crm_lead

    def responsible(self, row: Row) -> int:
        user = self.users.get(row["user_id"])
        return user["id"] if user and user["active"] else NOBODY

    def code(self, row: Row) -> str:
        return CODES[self.countries[row["country_id"]]["code"] if row["country_id"] else None]

    def ways(self, partner: Row) -> list[Document]:
        """Its own, and those of its addresses."""
        addresses = [row for row in self.partners.values() if row["active"] and is_address_of(row, partner["id"])]
        found = ways_of(partner, partner["email"], self.code(partner))
        for address in addresses:
            found += ways_of(address, address["email"], self.code(partner), address["name"] or address["type"])
        return ways(*found)

    def partner(self, partner: Row) -> Document:
        key = partner["id"]
        own = [row for row in self.leads if row["partner_id"] == key]
        deals = [row for row in own if row["type"] == "opportunity" and row["active"]]
        deals.sort(key=lambda row: (self.stages[row["stage_id"]]["is_won"], -row["id"]))
        company = self.partners.get(partner["commercial_partner_id"])
        lead = max((row["id"] for row in own), default=None)
        return contact(
            ORIGIN,
            partner["name"] if partner["parent_id"] else partner["complete_name"] or partner["name"],
            self.ways(partner),
            self.responsible(partner),
            externalId=key,
            leadId=lead,
            contactLink=LINK.format(model="res.partner", id=key),
            leadLink=lead and LINK.format(model="crm.lead", id=lead),
            dealLink=deals and LINK.format(model="crm.lead", id=deals[0]["id"]),
            organizations=belonging(
                ORIGIN, [(company["id"], company["name"])] if company and company["is_company"] else []
            ),
        )

    def lead(self, lead: Row) -> Document:
        link = LINK.format(model="crm.lead", id=lead["id"])
        return contact(
            ORIGIN,
            ", ".join(name for name in (lead["partner_name"], lead["contact_name"]) if name) or lead["name"],
            ways(*ways_of(lead, lead["email_from"], self.code(lead))),
            self.responsible(lead),
            leadId=lead["id"],
            leadLink=link,
            dealLink=lead["type"] == "opportunity" and link,
        )


def ways_of(row: Row, email: str | None, code: str, name: str | None = None) -> list[tuple[str, str, str | None]]:
    return [
        ("phone", name or "phone", phone(row["phone"], code)),
        ("phone", name or "mobile", phone(row.get("mobile"), code)),
        ("email", name or "email", email),
    ]


def is_address_of(partner: Row, parent: int) -> bool:
    return partner["parent_id"] == parent and partner["type"] in ADDRESSES


def truth(crm: Tables) -> dict[Entry, Document]:
    odoo = Odoo(crm)
    made: dict[Entry, Document] = {}
    for key, partner in odoo.partners.items():
        if not partner["active"] or partner["partner_share"] is False:
            continue
        if partner["is_company"]:
            made[Entry("organization", str(key))] = organization(ORIGIN, key, partner["name"])
        if not is_address_of(partner, partner["parent_id"] or -1) and odoo.ways(partner):
            made[Entry("contact", str(key))] = odoo.partner(partner)
    leads = [lead for lead in odoo.leads if lead["active"] and lead["partner_id"] is None]
    return made | {Entry("lead", str(lead["id"])): odoo.lead(lead) for lead in leads}


DAY = [
    *corrections(
        "public.res_partner",
        (11, "name", "'Олена Кравчук'"),
        (30, "complete_name", "'Гончар Тарас'"),
        (30, "email", "'taras.honchar@example.com'"),
        (10, "phone", "'044 333 10 19'"),
        (21, "country_id", "1"),
        (21, "country_id", "3"),
        (12, "parent_id", "NULL"),
        (12, "commercial_partner_id", "12"),
        (20, "partner_share", "false"),
        (20, "partner_share", "NULL"),
        (20, "active", "false"),
        (20, "active", "true"),
        (20, "name", "'Zorza S.A.'"),
        (13, "name", "'Склад на Подолі'"),
        (13, "email", "'sklad@svitanok.example.com'"),
        (13, "mobile", "'067 333 10 13'"),
        (13, "type", "'contact'"),
        (13, "type", "'other'"),
        (13, "active", "false"),
        (13, "active", "true"),
    ),
    *corrections(
        "public.crm_lead",
        (54, "type", "'lead'"),
        (54, "type", "'opportunity'"),
        (51, "type", "'lead'"),
        (51, "contact_name", "'Дарина Мельничук'"),
        (51, "partner_name", "'Ліцей № 7'"),
        (51, "email_from", "'school@example.com'"),
        (51, "phone", "'044 555 50 59'"),
        (51, "mobile", "NULL"),
        (52, "name", "'Передзвонити'"),
        (52, "user_id", "6"),
        (57, "country_id", "1"),
        (57, "country_id", "3"),
        (53, "active", "true"),
    ),
    Step(
        "somebody creates a person in a company",
        "INSERT INTO public.res_partner (id, active, is_company, type, parent_id, commercial_partner_id, name, complete_name, mobile,"
        " user_id, country_id, partner_share) VALUES (40, true, false, 'contact', 10, 10, 'Лариса Вовк', 'ТОВ «Світанок», Лариса Вовк',"
        " '066 777 40 40', 2, 1, true)",
    ),
    Step(
        "a number is changed",
        "UPDATE public.res_partner SET mobile = '068 777 40 41', phone_sanitized = '+380687774041' WHERE id = 40",
    ),
    Step("what nobody sees is changed", "UPDATE public.res_partner SET write_date = now(), phone_sanitized = NULL"),
    Step(
        "a company is renamed, and Odoo keeps the complete names",
        "UPDATE public.res_partner SET name = 'ТОВ «Світанок Плюс»', complete_name = 'ТОВ «Світанок Плюс»' WHERE id = 10;"
        " UPDATE public.res_partner SET complete_name = 'ТОВ «Світанок Плюс», ' || coalesce(name, '') WHERE parent_id = 10",
    ),
    Step(
        "and once more, by a program that keeps nothing else",
        "UPDATE public.res_partner SET name = 'ТОВ «Світанок»' WHERE id = 10",
    ),
    Step("a person is archived", "UPDATE public.res_partner SET active = false WHERE id = 12"),
    Step("and comes back", "UPDATE public.res_partner SET active = true WHERE id = 16"),
    Step("another salesperson gets a customer", "UPDATE public.res_partner SET user_id = 6 WHERE id = 30"),
    Step("a salesperson leaves", "UPDATE public.res_users SET active = false WHERE id = 6"),
    Step(
        "a place to deliver to gets another number",
        "UPDATE public.res_partner SET phone = '044 777 10 13' WHERE id = 13",
    ),
    Step(
        "an archived address comes back, at another partner",
        "UPDATE public.res_partner SET active = true, parent_id = 30, commercial_partner_id = 30 WHERE id = 15",
    ),
    Step(
        "an address becomes a contact", "UPDATE public.res_partner SET type = 'contact', name = 'Рахунки' WHERE id = 14"
    ),
    Step(
        "a partner moves to Poland",
        "UPDATE public.res_partner SET country_id = 2, phone = '22 777 00 31' WHERE id = 31",
    ),
    Step(
        "a lead is written down by hand",
        "INSERT INTO public.crm_lead (id, active, type, name, contact_name, phone, user_id, country_id, stage_id)"
        " VALUES (60, true, 'lead', 'Зателефонувала', 'Уляна Сич', '073 777 60 60', 2, 1, 1)",
    ),
    Step(
        "a lead is converted: it becomes an opportunity of a new partner",
        "INSERT INTO public.res_partner (id, active, is_company, type, commercial_partner_id, name, complete_name, phone, user_id,"
        " country_id, partner_share) VALUES (41, true, false, 'contact', NULL, 'Роман Ткач', 'Роман Ткач', '099 555 50 50', 2, 1, true);"
        " UPDATE public.res_partner SET commercial_partner_id = 41 WHERE id = 41;"
        " UPDATE public.crm_lead SET type = 'opportunity', partner_id = 41, user_id = 2 WHERE id = 50",
    ),
    Step("a stage counts as won no longer", "UPDATE public.crm_stage SET is_won = false WHERE id = 4"),
    Step("and does again", "UPDATE public.crm_stage SET is_won = true WHERE id = 4"),
    Step("an opportunity is won", "UPDATE public.crm_lead SET stage_id = 4 WHERE id = 54"),
    Step("an opportunity is lost", "UPDATE public.crm_lead SET active = false WHERE id = 55"),
    Step(
        "two partners are merged: what points to one points to the other, which takes what it has not, and one is deleted",
        "UPDATE public.res_partner SET parent_id = 32, commercial_partner_id = 32 WHERE parent_id = 33;"
        " UPDATE public.crm_lead SET partner_id = 32 WHERE partner_id = 33;"
        " UPDATE public.res_partner SET mobile = '098 444 30 33', email = 'hanna@example.com' WHERE id = 32;"
        " DELETE FROM public.res_partner WHERE id = 33",
    ),
    Step("a country gets another code", "UPDATE public.res_country SET code = 'UA' WHERE id = 3"),
    Step("a person is deleted", "DELETE FROM public.res_partner WHERE id = 11"),
    Step("a company becomes a person", "UPDATE public.res_partner SET is_company = false WHERE id = 20"),
]
MERGED, SURVIVOR, MOVED_NUMBER = "33", "32", "+380984443033"
CONVERTED = ("50", "41")
