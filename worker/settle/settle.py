"""Settle: what became of each contact of a batch, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from worker.database.rows import numbers, rows
from worker.database.sql import sql
from worker.settle.verdicts import (
    Absent,
    Buried,
    Claimed,
    Lease,
    Moved,
    PutBack,
    Sent,
    Superseded,
    Unchanged,
    UnconfirmedRefusal,
    Verdict,
    Verdicts,
)

log = structlog.get_logger()

DELIVERY_BOUNDS = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0, 21_600.0, 86_400.0]
"""Seconds from a change's commit to its acceptance: the upper bounds by which deliveries are counted."""

V = TypeVar("V", bound=Verdict)
Decided = Sequence[tuple[Claimed, V]]


def settle(
    connection: Connection, leases: Sequence[Lease], verdicts: Verdicts, *, posted: Sequence[Claimed] = ()
) -> set[int]:
    """Write the verdicts down, in the transaction of `connection`; returns the batches that have come to their end.

    `leases` are of batches of one project and method that `guard` has found to be ours in this transaction.

    `posted`: contacts whose documents have left. Unless accepted, what the API holds of them is unknown, and their digests go.
    """
    sent = of(verdicts, Sent)
    accepted = {contact.in_flight_id for contact, _ in sent}
    erase_digests(
        connection, [contact.in_flight_id for contact in posted if contact.in_flight_id not in accepted], own=True
    )
    _remember(connection, sent, leases[0].address)
    _run(connection, "catch_up", in_flight_ids(of(verdicts, Unchanged)))
    _run(connection, "mark_absent", in_flight_ids(of(verdicts, Absent)))
    _bury(connection, leases[0], of(verdicts, Buried))
    _mark(connection, verdicts)
    _leave(connection, leases[0], verdicts)
    waiting = of(verdicts, PutBack)
    put_back(
        connection, [(contact.in_flight_id, verdict.after, int(verdict.counted), 0) for contact, verdict in waiting]
    )
    return finish(connection, [lease.batch for lease in leases])


def finish(connection: Connection, batches: Sequence[int]) -> set[int]:
    """End those of the batches in which no contact is left; returns them."""
    return set(connection.execute(sql(__package__, "finish"), {"batches": numbers(batches)}).scalars())


def of(verdicts: Verdicts, kind: type[V]) -> list[tuple[Claimed, V]]:
    """The verdicts of one kind."""
    return [(contact, verdict) for contact, verdict in verdicts if isinstance(verdict, kind)]


def in_flight_ids(decided: Decided[Any]) -> list[int]:
    """The ids of these contacts in `in_flight`."""
    return [contact.in_flight_id for contact, _ in decided]


def erase_digests(connection: Connection, whose: Sequence[int], *, own: bool) -> None:
    """What the API holds of these contacts, and of those that share an id with them, is unknown from here on.

    Without `own` it is only that of the others.
    """
    _run(connection, "erase", whose, own=own)


def put_back(connection: Connection, waiting: Iterable[tuple[int, float, int, int]]) -> None:
    """Contacts let go of their ids and wait again: in_flight_id, seconds from now, attempts counted, leases lost."""
    contacts = list(waiting)
    if contacts:
        _run(connection, "release_ids", [in_flight_id for in_flight_id, *_ in contacts])
        columns = ("in_flight_id", "after", "counted", "lost")
        connection.execute(sql(__package__, "put_back"), {"contacts": rows(columns, contacts)})


def record_answers(connection: Connection, lease: Lease, answers: Sequence[tuple[int, str, int | None]]) -> None:
    """Note beside each request what it came to: its id, the outcome's word, the status. `lease`: of any of their batches."""
    values = {
        "project": lease.project.id,
        "method": lease.method,
        "answers": rows(("request", "outcome", "status"), answers),
    }
    connection.execute(sql(__package__, "record_answers"), values)


def _run(connection: Connection, name: str, whose: Sequence[int], **more: object) -> None:
    if whose:
        connection.execute(sql(__package__, name), {"in_flight_ids": numbers(whose), **more})


def _remember(connection: Connection, sent: Decided[Sent], address: int) -> None:
    if not sent:
        return
    erase_digests(connection, [contact.in_flight_id for contact, verdict in sent if verdict.overwrites], own=False)
    columns = ("in_flight_id", "digest", "external_id", "lead_id")
    values = [
        (contact.in_flight_id, verdict.digest.hex(), verdict.external_id, verdict.lead_id) for contact, verdict in sent
    ]
    connection.execute(sql(__package__, "remember"), {"sent": rows(columns, values), "address": address})


def _bury(connection: Connection, lease: Lease, buried: Decided[Buried]) -> None:
    if not buried:
        return
    columns = ("in_flight_id", "reason", "detail", "document", "answer", "http_status", "attempts")
    values = [
        (
            contact.in_flight_id,
            verdict.reason,
            verdict.detail,
            verdict.document.decode() if verdict.document else None,
            verdict.answer,
            verdict.status,
            contact.attempts if verdict.attempts is None else verdict.attempts,
        )
        for contact, verdict in buried
    ]
    connection.execute(sql(__package__, "bury"), {"buried": rows(columns, values)})
    for (batch, reason), count in Counter((contact.batch, verdict.reason) for contact, verdict in buried).items():
        which = {"project": lease.project.id, "method": lease.method.value, "batch": batch}
        log.warning("buried", **which, reason=reason.value, contacts=count)


def _mark(connection: Connection, verdicts: Verdicts) -> None:
    refused, moved = of(verdicts, UnconfirmedRefusal), of(verdicts, Moved)
    if refused:
        columns = ("in_flight_id", "status", "answer", "document")
        refusals = [
            (c.in_flight_id, verdict.status, verdict.answer, verdict.document.decode()) for c, verdict in refused
        ]
        connection.execute(sql(__package__, "mark_refused"), {"refused": rows(columns, refusals)})
    if moved:
        slices = rows(("in_flight_id", "slice"), [(contact.in_flight_id, verdict.slice) for contact, verdict in moved])
        connection.execute(sql(__package__, "slice"), {"moved": slices})


def _leave(connection: Connection, lease: Lease, verdicts: Verdicts) -> None:
    sent, unchanged, absent = of(verdicts, Sent), of(verdicts, Unchanged), of(verdicts, Absent)
    superseded, buried = of(verdicts, Superseded), of(verdicts, Buried)
    settled = in_flight_ids([*sent, *unchanged, *absent, *superseded])
    _run(
        connection,
        "leave",
        [*settled, *in_flight_ids(buried)],
        settled=numbers(settled),
        project=lease.project.id,
        method=lease.method,
        sent_ids=numbers(in_flight_ids(sent)),
        bounds=DELIVERY_BOUNDS,
        sent=len(sent),
        unchanged=len(unchanged),
        absent=len(absent),
        superseded=len(superseded),
        buried=len(buried),
    )
