"""Settle: what became of each contact of a batch, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection

from worker.database.sql import sql
from worker.errors import LeaseLostError
from worker.push.model import (
    Absent,
    Buried,
    Contact,
    Held,
    Moved,
    PutBack,
    Sent,
    Superseded,
    Suspect,
    Unchanged,
    Verdict,
    Verdicts,
)

V = TypeVar("V", bound=Verdict)


def guard(connection: Connection, held: Held) -> None:
    """Lock the batch, or raise LeaseLostError where somebody else has taken it back."""
    if connection.execute(sql(__package__, "guard"), {"batch": held.id, "token": held.token}).first() is None:
        raise lost(held)


def lost(held: Held) -> LeaseLostError:
    """That somebody else has taken the batch back."""
    return LeaseLostError(f"Batch {held.id} was taken back: its lease was over.")


def settle(connection: Connection, held: Held, verdicts: Verdicts, *, posted: Sequence[Contact] = ()) -> bool:
    """Write the verdicts down, in the transaction of `connection`; True when the batch has come to its end.

    `posted`: contacts whose documents have left. Unless accepted, what the API holds of them is unknown, and their digests go.
    """
    sent = of(verdicts, Sent)
    _forget(connection, held, [c for c in posted if c.place not in {s.place for s, _ in sent}], own=True)
    _remember(connection, held, sent)
    unchanged = of(verdicts, Unchanged)
    _run(connection, "catch_up", held, unchanged)
    _bury(connection, held, of(verdicts, Buried))
    _mark(connection, held, verdicts)
    _leave(connection, held, verdicts)
    put_back = of(verdicts, PutBack)
    _run(connection, "release", held, put_back)
    put_contacts_back(connection, held.id, put_back)
    return connection.execute(sql(__package__, "finish"), {"batch": held.id}).rowcount == 1


def of(verdicts: Verdicts, kind: type[V]) -> list[tuple[Contact, V]]:
    """The verdicts of one kind."""
    return [(contact, verdict) for contact, verdict in verdicts if isinstance(verdict, kind)]


def put_contacts_back(connection: Connection, batch: int, verdicts: Sequence[tuple[Contact, PutBack]]) -> None:
    """Let contacts wait again."""
    if not verdicts:
        return
    values = {
        "batch": batch,
        "places": [contact.place for contact, _ in verdicts],
        "afters": [verdict.after for _, verdict in verdicts],
        "counted": [int(verdict.counted) for _, verdict in verdicts],
        "lost": [0] * len(verdicts),
    }
    connection.execute(sql(__package__, "put_back"), values)


def record_answer(connection: Connection, request: int, outcome: str, status: int | None) -> None:
    """Note beside the request what it came to."""
    connection.execute(sql(__package__, "answered"), {"request": request, "outcome": outcome, "status": status})


def _run(
    connection: Connection, name: str, held: Held, contacts: Sequence[tuple[Contact, Any]], **more: object
) -> None:
    if contacts:
        places = [contact.place for contact, _ in contacts]
        connection.execute(sql(__package__, name), {"batch": held.id, "places": places, **more})


def _forget(connection: Connection, held: Held, contacts: Sequence[Contact], *, own: bool) -> None:
    _run(connection, "forget", held, [(contact, None) for contact in contacts], own=own)


def _remember(connection: Connection, held: Held, sent: list[tuple[Contact, Sent]]) -> None:
    _forget(connection, held, [contact for contact, _ in sent], own=False)
    _run(
        connection,
        "remember",
        held,
        sent,
        digests=[verdict.digest for _, verdict in sent],
        external_ids=[verdict.external_id for _, verdict in sent],
        lead_ids=[verdict.lead_id for _, verdict in sent],
    )


def _bury(connection: Connection, held: Held, buried: list[tuple[Contact, Buried]]) -> None:
    _run(
        connection,
        "bury",
        held,
        buried,
        reasons=[verdict.reason for _, verdict in buried],
        details=[verdict.detail for _, verdict in buried],
        documents=[verdict.document.decode() if verdict.document else None for _, verdict in buried],
        answers=[verdict.answer for _, verdict in buried],
        statuses=[verdict.status for _, verdict in buried],
        attempts=[contact.attempts if verdict.attempts is None else verdict.attempts for contact, verdict in buried],
    )


def _mark(connection: Connection, held: Held, verdicts: Verdicts) -> None:
    suspects, moved = of(verdicts, Suspect), of(verdicts, Moved)
    _run(
        connection,
        "suspect",
        held,
        suspects,
        statuses=[verdict.status for _, verdict in suspects],
        answers=[verdict.answer for _, verdict in suspects],
        documents=[verdict.document.decode() for _, verdict in suspects],
    )
    _run(connection, "move", held, moved, parts=[verdict.part for _, verdict in moved])


def _leave(connection: Connection, held: Held, verdicts: Verdicts) -> None:
    sent, unchanged, absent = of(verdicts, Sent), of(verdicts, Unchanged), of(verdicts, Absent)
    settled = [*sent, *unchanged, *absent, *of(verdicts, Superseded)]
    _run(
        connection,
        "leave",
        held,
        [*settled, *of(verdicts, Buried)],
        settled=[contact.place for contact, _ in settled],
        project=held.project.id,
        method=held.method,
        sent=len(sent),
        unchanged=len(unchanged),
        absent=len(absent),
    )
