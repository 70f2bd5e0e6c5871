"""Chatwoot: its truth, and a day of it."""

from __future__ import annotations

from tests.support.examples.crm import (
    Document,
    Entry,
    Step,
    Tables,
    belonging,
    contact,
    corrections,
    organization,
    ways,
)

NAME = "chatwoot"
SCHEMA = "public"
ORIGIN = "Chatwoot"
NOBODY = 1
ACCOUNT = 1
RESOLVED = 1
LINK = "https://chat.example.com/app/accounts/1/{kind}/{id}"
BIG = {"contacts", "conversations", "companies"}


def truth(crm: Tables) -> dict[Entry, Document]:
    companies, conversations = crm.by_id("companies"), crm.conversations
    made = {
        Entry("organization", str(key)): organization(ORIGIN, key, row["name"])
        for key, row in companies.items()
        if row["account_id"] == ACCOUNT
    }
    for key, row in crm.by_id("contacts").items():
        directions = ways(("phone", None, row["phone_number"]), ("email", None, row["email"]))
        if row["account_id"] != ACCOUNT or row["blocked"] or not directions:
            continue
        own = sorted((talk for talk in conversations if talk["contact_id"] == key), key=lambda talk: -talk["id"])
        answered = [talk["assignee_id"] for talk in own if talk["assignee_id"]]
        own.sort(key=lambda talk: talk["status"] == RESOLVED)
        company = companies.get(row["company_id"])
        made[Entry("contact", str(key))] = contact(
            ORIGIN,
            row["name"].strip() or row["phone_number"] or row["email"],
            directions,
            answered[0] if answered else NOBODY,
            externalId=key,
            contactLink=LINK.format(kind="contacts", id=key),
            dealLink=own and LINK.format(kind="conversations", id=own[0]["display_id"]),
            organizations=belonging(ORIGIN, [(company["id"], company["name"])] if company else []),
        )
    return made


DAY = [
    *corrections(
        "public.contacts",
        (1, "email", "NULL"),
        (2, "company_id", "1"),
        (8, "account_id", "2"),
        (8, "account_id", "1"),
    ),
    *corrections("public.conversations", (14, "display_id", "33"), (14, "contact_id", "3"), (14, "contact_id", "2")),
    *corrections("public.companies", (2, "account_id", "1")),
    Step(
        "somebody writes for the first time",
        "INSERT INTO public.contacts (id, account_id, name, phone_number, contact_type) VALUES (20, 1, 'Іванна Кіт', '+380637770020', 1);"
        " INSERT INTO public.conversations (id, account_id, contact_id, display_id) VALUES (20, 1, 20, 5)",
    ),
    Step("an agent takes the conversation", "UPDATE public.conversations SET assignee_id = 2 WHERE id = 20"),
    Step("a number is changed", "UPDATE public.contacts SET phone_number = '+380637770021' WHERE id = 20"),
    Step(
        "messages come and go",
        "UPDATE public.conversations SET last_activity_at = now(); UPDATE public.contacts SET last_activity_at = now()",
    ),
    Step(
        "a visitor leaves a number, and is a lead from then on",
        "UPDATE public.contacts SET phone_number = '+380957770005', contact_type = 1 WHERE id = 5",
    ),
    Step("somebody without a name gets one", "UPDATE public.contacts SET name = 'Оленка Рибак' WHERE id = 3"),
    Step("a contact is blocked", "UPDATE public.contacts SET blocked = true WHERE id = 2"),
    Step("and another is not any longer", "UPDATE public.contacts SET blocked = false WHERE id = 6"),
    Step("a conversation is resolved", "UPDATE public.conversations SET status = 1 WHERE id = 11"),
    Step("another agent answers last", "UPDATE public.conversations SET assignee_id = 2 WHERE id = 12"),
    Step("a company is renamed", "UPDATE public.companies SET name = 'ТОВ «Дзвін-2»' WHERE id = 1"),
    Step("another tenant's company, too", "UPDATE public.companies SET name = 'Інша чужа фірма' WHERE id = 2"),
    Step(
        "two contacts are merged: the conversations move, one takes what it has not, the other is deleted",
        "UPDATE public.conversations SET contact_id = 8 WHERE contact_id = 9; DELETE FROM public.contacts WHERE id = 9;"
        " UPDATE public.contacts SET email = 'milana@example.com', company_id = 1 WHERE id = 8",
    ),
    Step("a contact is deleted", "DELETE FROM public.contacts WHERE id = 4"),
    Step(
        "a company is deleted",
        "UPDATE public.contacts SET company_id = NULL WHERE company_id = 1; DELETE FROM public.companies WHERE id = 1",
    ),
]
MERGED, SURVIVOR, MOVED_NUMBER = "9", "8", "milana@example.com"
CONVERTED = None
