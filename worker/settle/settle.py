"""Settle: what became of each contact of a convoy, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from worker.batches import (
    Absent,
    Buried,
    Contact,
    Convoy,
    Leased,
    Moved,
    PutBack,
    Sent,
    Superseded,
    Suspect,
    Unchanged,
    Verdict,
    Verdicts,
)
from worker.database.rows import numbers, rows
from worker.database.sql import sql

log = structlog.get_logger()

V = TypeVar("V", bound=Verdict)
Judged = Sequence[tuple[Contact, V]]


def guard(connection: Connection, convoy: Convoy) -> Convoy:
    """Lock the batches, and return those that are still ours: somebody else has taken the others back."""
    found = set(connection.execute(sql(__package__, "guard"), {"batches": tokens(convoy)}).scalars())
    for leased in convoy:
        if leased.id not in found:
            log.warning("lease_lost", batch=leased.id, project=leased.project.id)
    return [leased for leased in convoy if leased.id in found]


def tokens(convoy: Convoy) -> str:
    """The batches with their fencing tokens, as the statements take them."""
    return rows(("batch", "token"), [(leased.id, leased.token) for leased in convoy])


def settle(connection: Connection, convoy: Convoy, verdicts: Verdicts, *, posted: Sequence[Contact] = ()) -> set[int]:
    """Write the verdicts down, in the transaction of `connection`; returns the batches that have come to their end.

    `posted`: contacts whose documents have left. Unless accepted, what the API holds of them is unknown, and their digests go.
    """
    sent = of(verdicts, Sent)
    accepted = {contact.place for contact, _ in sent}
    erase_digests(connection, [contact.place for contact in posted if contact.place not in accepted], own=True)
    _remember(connection, sent)
    _run(connection, "catch_up", places(of(verdicts, Unchanged)))
    _bury(connection, of(verdicts, Buried))
    _mark(connection, verdicts)
    _leave(connection, convoy[0], verdicts)
    _put_back(connection, of(verdicts, PutBack))
    return finish(connection, [leased.id for leased in convoy])


def finish(connection: Connection, batches: Sequence[int]) -> set[int]:
    """End those of the batches in which nobody is left; returns them."""
    return set(connection.execute(sql(__package__, "finish"), {"batches": numbers(batches)}).scalars())


def of(verdicts: Verdicts, kind: type[V]) -> list[tuple[Contact, V]]:
    """The verdicts of one kind."""
    return [(contact, verdict) for contact, verdict in verdicts if isinstance(verdict, kind)]


def places(judged: Judged[Any]) -> list[int]:
    """Where these contacts sit."""
    return [contact.place for contact, _ in judged]


def erase_digests(connection: Connection, whose: Sequence[int], *, own: bool) -> None:
    """What the API holds of the contacts at these places, and of those that share an id with them, is unknown from here on.

    Without `own` it is only that of the others.
    """
    _run(connection, "erase", whose, own=own)


def let_wait(connection: Connection, waiting: Iterable[tuple[int, float, int, int]]) -> None:
    """Contacts let go of their ids and wait again: place, seconds from now, attempts counted, leases lost."""
    told = list(waiting)
    if told:
        _run(connection, "release", [place for place, *_ in told])
        contacts = rows(("place", "after", "counted", "lost"), told)
        connection.execute(sql(__package__, "put_back"), {"contacts": contacts})


def record_answers(connection: Connection, answers: Sequence[tuple[int, str, int | None]]) -> None:
    """Note beside each request what it came to: its id, the outcome's word, the status."""
    values = {"answers": rows(("request", "outcome", "status"), answers)}
    connection.execute(sql(__package__, "answered"), values)


def _run(connection: Connection, name: str, whose: Sequence[int], **more: object) -> None:
    if whose:
        connection.execute(sql(__package__, name), {"places": numbers(whose), **more})


def _remember(connection: Connection, sent: Judged[Sent]) -> None:
    if not sent:
        return
    erase_digests(connection, [contact.place for contact, verdict in sent if verdict.overwrites], own=False)
    columns = ("place", "digest", "external_id", "lead_id")
    told = [(contact.place, verdict.digest.hex(), verdict.external_id, verdict.lead_id) for contact, verdict in sent]
    connection.execute(sql(__package__, "remember"), {"sent": rows(columns, told)})


def _bury(connection: Connection, buried: Judged[Buried]) -> None:
    if not buried:
        return
    columns = ("place", "reason", "detail", "document", "answer", "http_status", "attempts")
    told = [
        (
            contact.place,
            verdict.reason,
            verdict.detail,
            verdict.document.decode() if verdict.document else None,
            verdict.answer,
            verdict.status,
            contact.attempts if verdict.attempts is None else verdict.attempts,
        )
        for contact, verdict in buried
    ]
    connection.execute(sql(__package__, "bury"), {"buried": rows(columns, told)})


def _mark(connection: Connection, verdicts: Verdicts) -> None:
    suspects, moved = of(verdicts, Suspect), of(verdicts, Moved)
    if suspects:
        columns = ("place", "status", "answer", "document")
        told = [(c.place, verdict.status, verdict.answer, verdict.document.decode()) for c, verdict in suspects]
        connection.execute(sql(__package__, "suspect"), {"suspects": rows(columns, told)})
    if moved:
        parts = rows(("place", "part"), [(contact.place, verdict.part) for contact, verdict in moved])
        connection.execute(sql(__package__, "move"), {"moved": parts})


def _leave(connection: Connection, leased: Leased, verdicts: Verdicts) -> None:
    sent, unchanged, absent = of(verdicts, Sent), of(verdicts, Unchanged), of(verdicts, Absent)
    settled = places([*sent, *unchanged, *absent, *of(verdicts, Superseded)])
    _run(
        connection,
        "leave",
        [*settled, *places(of(verdicts, Buried))],
        settled=numbers(settled),
        project=leased.project.id,
        method=leased.method,
        sent=len(sent),
        unchanged=len(unchanged),
        absent=len(absent),
    )


def _put_back(connection: Connection, put_back: Judged[PutBack]) -> None:
    let_wait(connection, [(contact.place, verdict.after, int(verdict.counted), 0) for contact, verdict in put_back])
