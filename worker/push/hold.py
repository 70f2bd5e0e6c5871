"""Hold: the ids of the wire are taken, so that no other request carries one of them until these are settled.

A contact's own key is held by its row in `in_flight`; the ids that its document bears beside it are rows in `held_ids`. Of two
contacts that share an id each writes before it looks: its row, committed, first; a look at the other's table after that. So at
least one of them sees the other, and waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from models import Identity
from worker.batches import Buried, Contact, Convoy, PutBack, Ready, Superseded, Unchanged, Verdict, Verdicts
from worker.database.rows import numbers, rows
from worker.database.sql import sql
from worker.settle.settle import tokens

WAIT_FOR_ID = 0.25
"""Seconds after which a contact is tried again whose id another request carries."""

WireId = tuple[str, str]
EXTERNAL_ID, LEAD_ID = Identity.EXTERNAL_ID.value, Identity.LEAD_ID.value


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a contact: see `known.sql`."""

    digest: bytes | None = None
    outbox_id: int | None = None
    newest_id: int | None = None
    is_overtaken: bool | None = None
    is_shared: bool | None = None
    is_elsewhere: bool = False

    def has_newer(self, outbox_id: int) -> bool:
        """Whether something newer than this was accepted for the contact itself."""
        return self.outbox_id is not None and self.outbox_id > outbox_id

    def has_newer_of_its_ids(self, outbox_id: int) -> bool:
        """Whether something newer was accepted under one of its ids, whosever key that was."""
        return self.newest_id is not None and self.newest_id > outbox_id


NOTHING = Known()


@dataclass(frozen=True, slots=True)
class Hold:
    """Documents whose ids are held, and those that wait for one."""

    items: list[Ready]
    waiting: list[Ready]


def hold(engine: Engine, convoy: Convoy, ready: Sequence[Ready]) -> Hold:
    """Take the ids of these documents, as far as nobody else has them.

    Two documents that share an id are one contact to the API: the one with the lower outbox id goes first.
    """
    first, seconds = _apart(ready)
    beside = [
        (item.contact.batch, item.contact.place, *wire_id)
        for item in first
        for wire_id in wire_ids(item)
        if wire_id != own_id(item.contact)
    ]
    elsewhere = _take(engine, convoy, beside) if beside else set()
    waiting = [item for item in first if item.contact.place in elsewhere]
    return Hold([item for item in first if item.contact.place not in elsewhere], [*seconds, *waiting])


def look_up(
    connection: Connection, convoy: Convoy, held: Hold, verdicts: Verdicts, since: datetime
) -> dict[int, Known]:
    """What is known of contacts, by place; nothing of those that are not in it. A statement after that of the holding.

    `verdicts` are what the preparation came to; what was accepted before `since`, another API has.
    """
    payloads = [contact for contact, verdict in verdicts if isinstance(verdict, Buried) and contact.payload is not None]
    asked = [*_borne(held.items), *((contact.place, *own_id(contact), *own_id(contact), False) for contact in payloads)]
    if not asked:
        return {}
    # Whoever waits, or has no document, leaves the convoy next, and is in nobody's way.
    leaving = [*(item.contact.place for item in held.waiting), *(contact.place for contact, _ in verdicts)]
    strangers = [item.contact.place for item in held.items if own_id(item.contact) not in wire_ids(item)]
    values = {
        "project": convoy[0].project.id,
        "method": convoy[0].method,
        "ids": rows(("place", "identity", "key", "kind", "wire_id", "is_borne"), asked),
        "nameless": numbers([*strangers, *leaving]),
        "taken_at": convoy[0].taken_at,
        "since": since,
    }
    return {place: Known(*known) for place, *known in connection.execute(sql(__package__, "known"), values)}


def sort_out(held: Hold, verdicts: Verdicts, known: dict[int, Known]) -> tuple[list[Ready], Verdicts]:
    """The documents that go, and verdicts on all that need not or may not go now, those of the preparation among them."""
    going: list[Ready] = []
    more: Verdicts = [(item.contact, PutBack(WAIT_FOR_ID)) for item in held.waiting]
    for item in held.items:
        about = known.get(item.contact.place, NOTHING)
        verdict = _verdict(item, about)
        if verdict:
            more.append((item.contact, verdict))
        else:
            going.append(Ready(item.contact, item.document, is_shared=True) if about.is_shared else item)
    return going, [*_supersede_old(verdicts, known), *more]


def _verdict(item: Ready, known: Known) -> Verdict | None:
    """Why this document need not or may not go now; None where it may."""
    contact = item.contact
    if known.is_elsewhere:
        return PutBack(WAIT_FOR_ID)
    is_old = known.has_newer(contact.outbox_id) or known.has_newer_of_its_ids(contact.outbox_id)
    if contact.payload is not None and is_old:
        return Superseded()
    if contact.payload is None and known.is_overtaken:
        # Read before its ids were ours: another document of the same ids may be younger, and ours is read anew.
        return PutBack(WAIT_FOR_ID)
    if item.document.digest == known.digest and not contact.forced:
        return Unchanged()
    return None


def _supersede_old(verdicts: Verdicts, known: dict[int, Known]) -> Verdicts:
    """A payload that can't be sent, and is older than what was accepted, is superseded, and never buried."""

    def is_old(contact: Contact, verdict: Verdict) -> bool:
        about = known.get(contact.place, NOTHING)
        return isinstance(verdict, Buried) and contact.payload is not None and about.has_newer(contact.outbox_id)

    return [(contact, Superseded() if is_old(contact, verdict) else verdict) for contact, verdict in verdicts]


def wire_ids(item: Ready) -> list[WireId]:
    """The ids under which the API knows this document."""
    document, ids = item.document, []
    if document.external_id is not None:
        ids.append((EXTERNAL_ID, document.external_id))
    if document.lead_id is not None:
        ids.append((LEAD_ID, document.lead_id))
    return ids


def own_id(contact: Contact) -> WireId:
    """A contact's own key, which is an id on the wire where its document bears it."""
    return contact.identity, contact.key


def _borne(items: Sequence[Ready]) -> Iterator[tuple[int, str, str, str, str, bool]]:
    """Contacts by place with each of their ids: their own keys, borne or not, and whatever else their documents bear."""
    for item in items:
        place, own, ids = item.contact.place, own_id(item.contact), wire_ids(item)
        if own not in ids:
            yield place, *own, *own, False
        for wire_id in ids:
            yield place, *own, *wire_id, True


def _apart(ready: Sequence[Ready]) -> tuple[list[Ready], list[Ready]]:
    """Those that may travel together, and those that share an id with one before them, whether that goes or waits."""
    seen: set[WireId] = set()
    first: list[Ready] = []
    seconds: list[Ready] = []
    for item in sorted(ready, key=lambda item: item.contact.outbox_id):
        ids = wire_ids(item)
        (first if seen.isdisjoint(ids) else seconds).append(item)
        seen.update(ids)
    return sorted(first, key=lambda item: item.contact.place), seconds


def _take(engine: Engine, convoy: Convoy, wanted: Sequence[tuple[int, int, str, str]]) -> set[int]:
    """Take ids (batch, place, kind, id); returns the places one of whose ids another contact holds."""
    values = {
        "project": convoy[0].project.id,
        "method": convoy[0].method,
        "batches": tokens(convoy),
        "ids": rows(("batch", "place", "kind", "wire_id"), wanted),
    }
    with engine.begin() as connection:
        return set(connection.execute(sql(__package__, "hold"), values).scalars())
