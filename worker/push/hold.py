"""Hold: the ids of the wire are taken, so that no other request carries one of them until these are settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from models import Identity
from worker.database.rows import numbers, rows
from worker.database.sql import sql
from worker.push.model import Buried, Contact, Convoy, PutBack, Superseded, Unchanged, Verdict, Verdicts
from worker.push.prepare import Ready
from worker.settle.settle import still_ours, tokens

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

    def has_newer(self, outbox_id: int) -> bool:
        """Whether something newer than this was accepted for the contact itself."""
        return self.outbox_id is not None and self.outbox_id > outbox_id

    def has_newer_of_its_ids(self, outbox_id: int) -> bool:
        """Whether something newer was accepted under one of its ids, whosever key that was."""
        return self.newest_id is not None and self.newest_id > outbox_id


NOTHING = Known()


def hold(
    connection: Connection, convoy: Convoy, ready: Sequence[Ready], verdicts: Verdicts
) -> tuple[Convoy, list[Ready], Verdicts]:
    """Take the ids, and sort out what need not or may not go now.

    `ready` and `verdicts` are what the preparation came to. Returns the batches that are still ours, the documents that go, and the
    verdicts on the rest. Two documents that share an id are one contact to the API: the one with the lower outbox id goes first.
    """
    first, seconds = _apart(ready)
    ours, elsewhere = _take(connection, convoy, first)
    payloads = [
        contact.place for contact, verdict in verdicts if isinstance(verdict, Buried) and contact.payload is not None
    ]
    known = _known(connection, convoy, [*(item.contact.place for item in first), *payloads])
    going: list[Ready] = []
    more: Verdicts = [(item.contact, PutBack(WAIT_FOR_ID)) for item in seconds]
    for item in first:
        about = known.get(item.contact.place, NOTHING)
        verdict = _verdict(item, about, is_elsewhere=item.contact.place in elsewhere)
        if verdict:
            more.append((item.contact, verdict))
        else:
            going.append(Ready(item.contact, item.document, is_shared=True) if about.is_shared else item)
    batches = {held.id for held in ours}
    settled = [*_supersede_old(verdicts, known), *more]
    return (
        ours,
        [item for item in going if item.contact.batch in batches],
        [(contact, verdict) for contact, verdict in settled if contact.batch in batches],
    )


def _verdict(item: Ready, known: Known, *, is_elsewhere: bool) -> Verdict | None:
    """Why this document need not or may not go now; None where it may."""
    contact = item.contact
    if is_elsewhere:
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
    """Those that may travel together, and those that share an id with one of them."""
    seen: set[WireId] = set()
    first: list[Ready] = []
    seconds: list[Ready] = []
    for item in sorted(ready, key=lambda item: item.contact.outbox_id):
        ids = wire_ids(item)
        if seen.isdisjoint(ids):
            seen.update(ids)
            first.append(item)
        else:
            seconds.append(item)
    return sorted(first, key=lambda item: item.contact.place), seconds


def _take(connection: Connection, convoy: Convoy, ready: Sequence[Ready]) -> tuple[Convoy, set[int]]:
    """The batches that are still ours, and the places one of whose ids another contact holds."""
    wanted = [
        (item.contact.batch, item.contact.place, kind, wire_id) for item in ready for kind, wire_id in wire_ids(item)
    ]
    values = {
        "project": convoy[0].project.id,
        "method": convoy[0].method,
        "batches": tokens(convoy),
        "ids": rows(("batch", "place", "kind", "wire_id"), wanted),
    }
    found = connection.execute(sql(__package__, "hold"), values).all()
    ours = still_ours(convoy, {row.batch for row in found if row.batch is not None})
    return ours, {row.place for row in found if row.place is not None}


def _known(connection: Connection, convoy: Convoy, places: Sequence[int]) -> dict[int, Known]:
    """What is known of the contacts at these places; nothing of those that are not in it."""
    if not places:
        return {}
    values = {"places": numbers(places), "taken_at": convoy[0].taken_at}
    return {place: Known(*known) for place, *known in connection.execute(sql(__package__, "known"), values)}
