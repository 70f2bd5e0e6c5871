"""What the page shows: the contact book as a person at the telephone would see it. Pure, but for the book."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from worker.local.sandbox.book import Book, utc_now
from worker.local.sandbox.desk import Desk
from worker.local.sandbox.journal import Totals
from worker.local.sandbox.shelf import Record
from worker.local.sandbox.wire import Contact, Direction, document


class Link(msgspec.Struct):
    """A button: `url` is None if it is inactive."""

    kind: str
    url: str | None


class Shown(msgspec.Struct, rename="camel"):
    """A contact on the page. `number` and `revision` are the book's own."""

    number: int
    revision: int
    project: int
    name: str
    origin: str
    responsible: str
    external_id: str | None
    lead_id: str | None
    directions: list[Direction]
    organizations: list[str]
    links: list[Link]
    times: int
    received_at: datetime


class Figures(msgspec.Struct, rename="camel"):
    """The head of the page. `minute`: (requests, errors) of each of its sixty seconds, the oldest first."""

    contacts: int
    organizations: int
    requests: int
    entries: int
    errors: int
    totals: Totals
    minute: list[tuple[int, int]]


class Page(msgspec.Struct, rename="camel"):
    """One look at the book. `contacts` is None if `version` is what the page has already seen."""

    version: str
    now: datetime
    figures: Figures
    projects: list[int]
    found: int
    contacts: list[Shown] | None


def link(kind: str, url: str | None) -> Link:
    """Only http and https lead anywhere; a script in a link would run in the page."""
    if url is None:
        return Link(kind, None)
    try:
        parts = urlsplit(url)
    except ValueError:
        return Link(kind, None)
    return Link(kind, url if parts.scheme in ("http", "https") and parts.netloc else None)


def shown(book: Book, record: Record[Contact]) -> Shown:
    """The contact, completed by its organizations."""
    contact = record.entry
    return Shown(
        record.number,
        record.revision,
        record.project,
        contact.full_name,
        contact.origin,
        contact.responsible,
        record.external_id,
        record.lead_id,
        contact.contact_directions,
        [book.organization_name(record, one) for one in contact.organizations or ()],
        [
            link("contact", contact.contact_link),
            link("lead", contact.lead_link),
            link("deal", contact.deal_link),
        ],
        record.times,
        record.received_at,
    )


def details(book: Book, record: Record[Contact]) -> dict[str, object]:
    """One contact with its last accepted document."""
    return {"contact": shown(book, record), "document": document(record.entry)}


def figures(desk: Desk, project: int | None) -> Figures:
    """The head of the page; requests are those of all projects."""
    contacts, organizations = desk.book.counts(project)
    seconds = desk.requests.minute()
    return Figures(
        contacts,
        organizations,
        sum(second.requests for second in seconds),
        sum(second.entries for second in seconds),
        sum(second.errors for second in seconds),
        desk.requests.totals(),
        [(second.requests, second.errors) for second in seconds],
    )


def page(desk: Desk, text: str, project: int | None, limit: int, seen: str) -> Page:
    """One look at the book; `seen` is the version that the page already has for the same search."""
    version = f"{desk.epoch}.{desk.book.revision}"
    head = figures(desk, project)
    projects = desk.book.projects()
    if version == seen:
        return Page(version, utc_now(), head, projects, 0, None)
    records, found = desk.book.find(text, project, limit)
    contacts = [shown(desk.book, record) for record in records]
    return Page(version, utc_now(), head, projects, found, contacts)
