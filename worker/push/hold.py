"""Hold: the ids of the wire are taken, so that no other request carries one of them until these are settled."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from models import Identity
from worker.database.sql import sql
from worker.push.model import Buried, Held, PutBack, Superseded, Unchanged, Verdicts
from worker.push.prepare import Ready
from worker.settle.settle import lost

WAIT_FOR_ID = 0.25
"""Seconds after which a contact is tried again whose id another request carries."""

WireId = tuple[str, str]


def hold(connection: Connection, held: Held, ready: Sequence[Ready]) -> tuple[list[Ready], Verdicts]:
    """Take the ids, and sort out what need not or may not go now. Raises LeaseLostError.

    Two documents that share an id are one contact to the API: the one with the lower outbox id goes first, the other waits.
    """
    first, verdicts = _apart(ready)
    mine = _take(connection, held, first)
    accepted = _accepted(connection, held)
    newest = _newest(connection, held, first)
    going: list[Ready] = []
    for item in first:
        digest, outbox_id = accepted.get(item.contact.place, (None, -1))
        newest_id, is_overtaken = newest.get(item.contact.place, (-1, False))
        outbox_id = max(outbox_id, newest_id)
        if not all(mine.get(wire_id) == item.contact.place for wire_id in wire_ids(item)):
            verdicts.append((item.contact, PutBack(WAIT_FOR_ID)))
        elif item.contact.payload is not None and item.contact.outbox_id < outbox_id:
            verdicts.append((item.contact, Superseded()))
        elif item.contact.payload is None and is_overtaken:
            # Read before its ids were ours: another document of the same ids may be younger, and ours is read anew.
            verdicts.append((item.contact, PutBack(WAIT_FOR_ID)))
        elif digest == item.document.digest and not item.contact.forced:
            verdicts.append((item.contact, Unchanged()))
        else:
            going.append(item)
    return going, verdicts


def supersede_old(connection: Connection, held: Held, verdicts: Verdicts) -> Verdicts:
    """The verdicts of the preparation, but a payload that is older than what was accepted is superseded, and never buried."""
    payloads = [c for c, verdict in verdicts if isinstance(verdict, Buried) and c.payload is not None]
    accepted = _accepted(connection, held) if payloads else {}
    old = {c.place for c in payloads if c.outbox_id < accepted.get(c.place, (None, -1))[1]}
    return [(contact, Superseded() if contact.place in old else verdict) for contact, verdict in verdicts]


def wire_ids(item: Ready) -> list[WireId]:
    """The ids under which the API knows this document."""
    pairs = (
        (Identity.EXTERNAL_ID.value, item.document.external_id),
        (Identity.LEAD_ID.value, item.document.lead_id),
    )
    return [(kind, wire_id) for kind, wire_id in pairs if wire_id is not None]


def _apart(ready: Sequence[Ready]) -> tuple[list[Ready], Verdicts]:
    seen: set[WireId] = set()
    first: list[Ready] = []
    verdicts: Verdicts = []
    for item in sorted(ready, key=lambda item: item.contact.outbox_id):
        ids = wire_ids(item)
        if seen.isdisjoint(ids):
            seen.update(ids)
            first.append(item)
        else:
            verdicts.append((item.contact, PutBack(WAIT_FOR_ID)))
    return sorted(first, key=lambda item: item.contact.place), verdicts


def _take(connection: Connection, held: Held, ready: Sequence[Ready]) -> dict[WireId, int]:
    """The ids that this batch holds now, by the place of their contact. Raises LeaseLostError."""
    wanted = [(kind, wire_id, item.contact.place) for item in ready for kind, wire_id in wire_ids(item)]
    values = {
        "batch": held.id,
        "token": held.token,
        "kinds": [kind for kind, _, _ in wanted],
        "ids": [wire_id for _, wire_id, _ in wanted],
        "places": [place for _, _, place in wanted],
    }
    rows = connection.execute(sql(__package__, "hold"), values).all()
    if not rows:
        raise lost(held)
    return {(row.kind, row.wire_id): row.place for row in rows if row.kind is not None}


def _newest(connection: Connection, held: Held, ready: Sequence[Ready]) -> dict[int, tuple[int, bool]]:
    """By place, the highest outbox id accepted under the same ids, and whether another contact's was while we read."""
    if not ready:
        return {}
    rows = connection.execute(sql(__package__, "newest"), {"batch": held.id, "taken_at": held.taken_at})
    return {row.place: (row.outbox_id, row.is_overtaken) for row in rows}


def _accepted(connection: Connection, held: Held) -> dict[int, tuple[bytes | None, int]]:
    """By place, the digest last accepted and its outbox id."""
    rows = connection.execute(sql(__package__, "accepted"), {"batch": held.id})
    return {row.place: (row.digest, row.outbox_id) for row in rows}
