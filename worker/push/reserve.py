"""Reserve: the ids of the wire are reserved, so that no other request has one of them until these are settled.

A contact's own key is reserved by its row in `in_flight`; the ids that its document has beside it are rows in `reserved_ids`. Of two
contacts that share an id each writes before it looks: its row, committed, first; a look at the other's table after that. So at
least one of them sees the other, and waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from models import Identity
from worker.database.engines import at_once
from worker.database.rows import numbers, rows
from worker.database.sql import sql
from worker.push.batch_run import Group, Ready
from worker.settle.guard import tokens
from worker.settle.verdicts import Buried, Claimed, PutBack, Superseded, Unchanged, Verdict, Verdicts

WAIT_FOR_ID = 0.25
"""Seconds after which a contact is tried again whose id another request has."""

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
        """Whether something newer was accepted under one of its ids, as whichever contact."""
        return self.newest_id is not None and self.newest_id > outbox_id


NOTHING = Known()


def reserve(engine: Engine, group: Group, ready: Sequence[Ready], verdicts: Verdicts) -> tuple[list[Ready], Verdicts]:
    """Reserve the ids of these documents, as far as no other batch has them, and decide what need not or may not go now.

    `verdicts`: what building the documents came to; they are returned with the new ones. Two documents that share an id are one contact
    to the API: the one with the lower outbox id goes first.
    """
    first, behind = _apart(ready)
    elsewhere = _reserve(engine, group, first)
    waiting = [*behind, *(item for item in first if item.contact.in_flight_id in elsewhere)]
    reserved = [item for item in first if item.contact.in_flight_id not in elsewhere]
    with at_once(engine) as connection:  # a transaction after that of the reservation
        known = _look_up(connection, group, reserved, waiting, verdicts)
    going: list[Ready] = []
    decided: Verdicts = [(item.contact, PutBack(WAIT_FOR_ID)) for item in waiting]
    for item in reserved:
        about = known.get(item.contact.in_flight_id, NOTHING)
        verdict = _verdict(item, about)
        if verdict:
            decided.append((item.contact, verdict))
        else:
            going.append(Ready(item.contact, item.document, is_shared=True) if about.is_shared else item)
    return going, [*_supersede_old(verdicts, known), *decided]


def _look_up(
    connection: Connection,
    group: Group,
    reserved: Sequence[Ready],
    waiting: Sequence[Ready],
    verdicts: Verdicts,
) -> dict[int, Known]:
    """What is known of contacts, by in-flight id; nothing of those that are not in it."""
    payloads = [contact for contact, verdict in verdicts if isinstance(verdict, Buried) and contact.payload is not None]
    own = ((contact.in_flight_id, *own_id(contact), *own_id(contact), False) for contact in payloads)
    asked = [*_ids_of(reserved), *own]
    if not asked:
        return {}
    # A contact that waits, or has no document, leaves the batch next, and is in no other's way.
    leaving = [*(item.contact.in_flight_id for item in waiting), *(contact.in_flight_id for contact, _ in verdicts)]
    without_own = [item.contact.in_flight_id for item in reserved if own_id(item.contact) not in wire_ids(item)]
    lease = group[0].lease
    values = {
        "project": lease.project.id,
        "method": lease.method,
        "ids": rows(("in_flight_id", "identity", "key", "kind", "wire_id", "is_in_document"), asked),
        "nameless": numbers([*without_own, *leaving]),
        "leased_at": group[0].leased_at,
        "address": lease.address,
    }
    found = connection.execute(sql(__package__, "known"), values)
    return {in_flight_id: Known(*known) for in_flight_id, *known in found}


def _verdict(item: Ready, known: Known) -> Verdict | None:
    """Why this document need not or may not go now; None if it may."""
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

    def is_old(contact: Claimed, verdict: Verdict) -> bool:
        about = known.get(contact.in_flight_id, NOTHING)
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


def own_id(contact: Claimed) -> WireId:
    """A contact's own key, which is an id on the wire if its document has it."""
    return contact.identity, contact.key


def _ids_of(items: Sequence[Ready]) -> Iterator[tuple[int, str, str, str, str, bool]]:
    """Contacts with each of their ids: their own keys, in the document or not, and what else their documents have."""
    for item in items:
        in_flight_id, own, ids = item.contact.in_flight_id, own_id(item.contact), wire_ids(item)
        if own not in ids:
            yield in_flight_id, *own, *own, False
        for wire_id in ids:
            yield in_flight_id, *own, *wire_id, True


def _apart(ready: Sequence[Ready]) -> tuple[list[Ready], list[Ready]]:
    """Those that may travel together, and those that share an id with one before them, whether that goes or waits."""
    seen: set[WireId] = set()
    first: list[Ready] = []
    seconds: list[Ready] = []
    for item in sorted(ready, key=lambda item: item.contact.outbox_id):
        ids = wire_ids(item)
        (first if seen.isdisjoint(ids) else seconds).append(item)
        seen.update(ids)
    return sorted(first, key=lambda item: item.contact.in_flight_id), seconds


def _reserve(engine: Engine, group: Group, items: Sequence[Ready]) -> set[int]:
    """Reserve the ids beside the contacts' own keys; returns the contacts (in-flight ids) one of whose ids another contact has."""
    wanted = [
        (item.contact.batch, item.contact.in_flight_id, *wire_id)
        for item in items
        for wire_id in wire_ids(item)
        if wire_id != own_id(item.contact)
    ]
    if not wanted:
        return set()
    lease = group[0].lease
    values = {
        "project": lease.project.id,
        "method": lease.method,
        "batches": tokens([run.lease for run in group]),
        "ids": rows(("batch", "in_flight_id", "kind", "wire_id"), wanted),
    }
    with engine.begin() as connection:
        return set(connection.execute(sql(__package__, "reserve"), values).scalars())
