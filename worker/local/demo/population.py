"""Whom the CRM knows when it begins: the rows of every table, in the order in which they refer to each other.

The tables are new, so that PostgreSQL numbers their rows from 1 in the order in which they come: row n of
`crm.contacts` is contact n, and the other tables may name it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from worker.local.demo import invent, names

STAFF = 8
_DAYS_OF_HISTORY = 900
_CALLS_AT_MOST = 2_000

# Every CRM has some of these. The first three cannot be sent at all, and show what a dead letter is.
WITHOUT_A_WAY = 7
WITHOUT_A_NAME = 13
WITH_HALF_AN_ADDRESS = 23
WITH_A_FAX = 31
WITH_HALF_A_NUMBER = 43

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What to fill a table with; `columns` as in SQL."""

    name: str
    columns: str
    rows: Iterator[Row]


def tables(contacts: int, dice: Random, now: datetime) -> Iterator[Table]:
    """Every table with its rows, to be written one after the other."""
    people = [invent.person(dice) for _ in range(contacts)]
    companies = 5 + contacts // 5
    leads = 10 + contacts // 10
    yield Table("staff", "name, extension, ringostat_id", _staff(dice))
    yield Table("companies", "name, city, created_at, updated_at", _companies(companies, dice, now))
    yield Table(
        "contacts",
        "last_name, first_name, patronymic, company_id, position, staff_id, channel, google_client_id, hidden, notes,"
        " created_at, updated_at",
        _contacts(people, companies, dice, now),
    )
    yield Table("phones", "contact_id, kind, number", _phones(contacts, dice))
    yield Table("emails", "contact_id, kind, address", _emails(people, dice))
    yield Table(
        "leads",
        "name, phone, email, channel, status, staff_id, google_client_id, contact_id, created_at, updated_at",
        _leads(leads, contacts, dice, now),
    )
    yield Table("deals", "contact_id, title, stage, amount, created_at, updated_at", _deals(contacts, dice, now))
    yield Table("calls", "contact_id, staff_id, direction, seconds, started_at", _calls(contacts, dice, now))


def _staff(dice: Random) -> Iterator[Row]:
    for number in range(1, STAFF + 1):
        who = invent.person(dice)
        in_ringostat = str(7000 + number) if number < STAFF else None
        yield f"{who.first_name} {who.last_name}", str(100 + number), in_ringostat


def _companies(count: int, dice: Random, now: datetime) -> Iterator[Row]:
    for _ in range(count):
        created = _earlier(now, dice)
        yield invent.company(dice), dice.choice(names.CITIES), created, created


def _contacts(people: list[invent.Person], companies: int, dice: Random, now: datetime) -> Iterator[Row]:
    for contact, who in enumerate(people, start=1):
        created = _earlier(now, dice)
        company = dice.randint(1, companies) if dice.random() < 0.6 else None
        yield (
            *(who if contact != WITHOUT_A_NAME else (None, None, None)),
            company,
            dice.choice(names.POSITIONS) if company else None,
            dice.randint(1, STAFF),
            dice.choice(names.CHANNELS),
            invent.google_client_id(dice) if dice.random() < 0.4 else None,
            contact > WITH_HALF_A_NUMBER and dice.random() < 0.02,
            dice.choice(names.NOTES) if dice.random() < 0.2 else None,
            created,
            created,
        )


def _phones(contacts: int, dice: Random) -> Iterator[Row]:
    for contact in range(1, contacts + 1):
        if contact in {WITHOUT_A_WAY, WITH_HALF_AN_ADDRESS}:
            continue
        yield contact, "mobile", invent.mobile(dice)
        if dice.random() < 0.3:
            yield contact, "work", invent.landline(dice)
        if contact == WITH_HALF_A_NUMBER:
            yield contact, "home", "23-45"
        if contact == WITH_A_FAX or dice.random() < 0.02:
            yield contact, "fax", invent.landline(dice)


def _emails(people: list[invent.Person], dice: Random) -> Iterator[Row]:
    for contact, who in enumerate(people, start=1):
        if contact == WITHOUT_A_WAY:
            continue
        if contact == WITH_HALF_AN_ADDRESS:
            yield contact, "work", "office@"
        elif dice.random() < 0.6:
            kind = dice.choice(("work", "personal"))
            yield contact, kind, invent.email(who.last_name, who.first_name, dice)


def _leads(count: int, contacts: int, dice: Random, now: datetime) -> Iterator[Row]:
    """The older half have become contacts; of the others, half are with somebody."""
    became = dice.sample(range(1, contacts + 1), k=min(count // 2, contacts))
    for number in range(count):
        who = invent.person(dice)
        contact = became[number] if number < len(became) else None
        status = "converted" if contact else dice.choice(("new", "in_work"))
        created = _earlier(now, dice)
        yield (
            f"{who.first_name} {who.last_name}" if dice.random() < 0.6 else who.first_name,
            invent.mobile(dice),
            invent.email(who.last_name, who.first_name, dice) if dice.random() < 0.4 else None,
            dice.choice(names.CHANNELS),
            status,
            None if status == "new" else dice.randint(1, STAFF),
            invent.google_client_id(dice) if dice.random() < 0.5 else None,
            contact,
            created,
            created,
        )


def _deals(contacts: int, dice: Random, now: datetime) -> Iterator[Row]:
    for contact in range(1, contacts + 1):
        if dice.random() < 0.35:
            created = _earlier(now, dice)
            stage = dice.choice(("new", "offer", "contract", "won", "won", "lost"))
            yield contact, dice.choice(names.DEALS), stage, amount(dice), created, created


def _calls(contacts: int, dice: Random, now: datetime) -> Iterator[Row]:
    for _ in range(min(2 * contacts, _CALLS_AT_MOST)):
        yield (
            dice.randint(1, contacts),
            dice.randint(1, STAFF),
            dice.choice(("in", "out")),
            dice.randrange(900),
            _earlier(now, dice),
        )


def amount(dice: Random) -> int:
    """What a deal is worth, in hryvnias."""
    return dice.randint(5, 900) * 100


def _earlier(now: datetime, dice: Random) -> datetime:
    return now - timedelta(days=_DAYS_OF_HISTORY * dice.random())
