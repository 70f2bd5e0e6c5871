"""Hold: the ids of the wire are taken, so that no other request carries one of them until these are settled.

A contact's own key is held by its row in `in_flight`; the ids that its document bears beside it are rows in `held_ids`. Of two
contacts that share an id each writes before it looks: its row, committed, first; a look at the other's table after that. So at
least one of them sees the other, and waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from models import Identity
from worker.database.rows import numbers, rows
from worker.database.sql import sql
from worker.push.model import Buried, Contact, Convoy, PutBack, Ready, Superseded, Unchanged, Verdict, Verdicts
from worker.settle.settle import guard, tokens

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
    """Documents whose ids are held, and those that wait for one. `strangers`: places whose documents don't bear their own keys."""

    items: list[Ready]
    waiting: list[Ready]
    strangers: list[int]


def hold(engine: Engine, convoy: Convoy, ready: Sequence[Ready]) -> Hold:
    """Take the ids of these documents, as far as nobody else has them.

    Two documents that share an id are one contact to the API: the one with the lower outbox id goes first.
    """
    first, seconds = _apart(ready)
    beside: list[tuple[int, int, str, str]] = []
    strangers: list[int] = []
    for item in first:
        contact, ids = item.contact, wire_ids(item)
        own = (contact.identity, contact.key)
        beside += [(contact.batch, contact.place, *wire_id) for wire_id in ids if wire_id != own]
        if own not in ids:
            strangers.append(contact.place)
    elsewhere = _take(engine, convoy, beside) if beside else set()
    waiting = [item for item in first if item.contact.place in elsewhere]
    return Hold([item for item in first if item.contact.place not in elsewhere], [*seconds, *waiting], strangers)


def sort_out(
    connection: Connection, convoy: Convoy, held: Hold, verdicts: Verdicts, since: datetime
) -> tuple[Convoy, list[Ready], Verdicts]:
    """What need not or may not go now, in a transaction after that of the holding.

    `verdicts` are what the preparation came to; what was accepted before `since`, another API has. Returns the batches that are
    still ours, the documents that go, and the verdicts on the rest.
    """
    ours = guard(connection, convoy)
    known = _known(connection, convoy, held, verdicts, since)
    going: list[Ready] = []
    more: Verdicts = [(item.contact, PutBack(WAIT_FOR_ID)) for item in held.waiting]
    for item in held.items:
        about = known.get(item.contact.place, NOTHING)
        verdict = _verdict(item, about)
        if verdict:
            more.append((item.contact, verdict))
        else:
            going.append(Ready(item.contact, item.document, is_shared=True) if about.is_shared else item)
    batches = {batch.id for batch in ours}
    settled = [*_supersede_old(verdicts, known), *more]
    return (
        ours,
        [item for item in going if item.contact.batch in batches],
        [(contact, verdict) for contact, verdict in settled if contact.batch in batches],
    )


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


def _known(connection: Connection, convoy: Convoy, held: Hold, verdicts: Verdicts, since: datetime) -> dict[int, Known]:
    """What is known of contacts, by place; nothing of those that are not in it."""
    payloads = [
        contact.place for contact, verdict in verdicts if isinstance(verdict, Buried) and contact.payload is not None
    ]
    places = [*(item.contact.place for item in held.items), *payloads]
    if not places:
        return {}
    # Whoever waits, or has no document, leaves the convoy in this transaction, and is in nobody's way.
    leaving = [*(item.contact.place for item in held.waiting), *(contact.place for contact, _ in verdicts)]
    nameless = [*held.strangers, *leaving]
    values = {
        "project": convoy[0].project.id,
        "method": convoy[0].method,
        "places": numbers(places),
        "nameless": numbers(nameless),
        "taken_at": convoy[0].taken_at,
        "since": since,
    }
    return {place: Known(*known) for place, *known in connection.execute(sql(__package__, "known"), values)}
