"""Recover: batches whose lease ran out, or whose message the broker lost, are taken back."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from worker.database.locks import alone
from worker.database.sql import sql
from worker.failpoints import Failpoint, hit
from worker.projects import pauses
from worker.settle.settle import erase_digests, finish, put_back
from worker.upkeep.clock import follow_clock

log = structlog.get_logger()

MESSAGE_PATIENCE = 5.0
"""Seconds after which the message of a cut batch counts as lost, and is sent again; a second one does no harm."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """Batches taken back (their contacts wait again), and batches whose messages must be sent again."""

    taken_back: tuple[int, ...] = ()
    unsent: tuple[int, ...] = ()


def recover(engine: Engine) -> Recovered:
    """Take back what is lost, each batch in a transaction of its own, guarded by the state it leaves.

    One that can't be taken back is told to the log, and holds up no other.
    """
    follow_clock(engine)
    with engine.begin() as connection:
        if not alone(connection, "recover"):
            return Recovered()
        lost = connection.execute(sql(__package__, "expired_batches")).scalars().all()
        unsent = connection.execute(sql(__package__, "unsent_batches"), {"patience": MESSAGE_PATIENCE}).scalars().all()
    taken_back = tuple(batch for batch in lost if _taken_back(engine, batch))
    if taken_back:
        log.warning("taken_back", batches=list(taken_back))
    return Recovered(taken_back, tuple(unsent))


def _taken_back(engine: Engine, batch: int) -> bool:
    try:
        return take_back(engine, batch)
    except DBAPIError as error:
        log.error("not_taken_back", batch=batch, sqlstate=getattr(error.orig, "sqlstate", None))  # noqa: TRY400 - its message may quote a row
        return False


def take_back(engine: Engine, batch: int) -> bool:
    """Let a batch's contacts wait again, if its lease is over; if it may have been posted, its digests are erased."""
    with engine.begin() as connection:
        row = connection.execute(sql(__package__, "expired_batch"), {"batch": batch}).one_or_none()
        if row is None:
            return False
        in_flight_ids = connection.execute(sql(__package__, "in_flight_ids"), {"batch": batch}).scalars().all()
        if row.posted:
            erase_digests(connection, in_flight_ids, own=True)
        put_back(connection, [(in_flight_id, 0.0, 0, 1) for in_flight_id in in_flight_ids])
        finish(connection, [batch])
        hit(Failpoint.TAKING_BACK)
        connection.execute(sql(__package__, "count_recovery"), {"project": row.project, "method": row.method})
        if row.probe:
            pauses.rearm(connection, row.project, 0.0)
    return True
