"""Where the CRM is, seen from the outbox: asked of the servers, as one database may have many addresses."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, partial
from typing import Any

import psycopg

from worker.database.connect import Connector
from worker.database.sessions import CRM, OUTBOX
from worker.errors import ReplicaUnavailableError, SyncError, first_line

Session = psycopg.Connection[Any]

LASTS = 60.0
LOCK = "SELECT pg_catalog.pg_advisory_lock(%s)"
TRY = "SELECT pg_catalog.pg_try_advisory_lock(%s)"
IS_STANDBY = "SELECT pg_catalog.pg_is_in_recovery()"
IDENTITY = """
SELECT c.system_identifier, d.oid FROM pg_catalog.pg_control_system() AS c, pg_catalog.pg_database AS d
WHERE d.datname = pg_catalog.current_database()
"""


class Place(StrEnum):
    """Where the CRM is read, seen from the outbox."""

    SAME = "same"
    """In the outbox's own database, which takes triggers."""

    STANDBY = "standby"
    """On a standby of the outbox's database: triggers belong on the latter, and reading waits for the former."""

    ELSEWHERE = "elsewhere"
    """In a database of its own, which is polled."""


def place_of_crm(database_url: str, crm_database_url: str) -> Place:
    """Ask both servers. Raises psycopg.Error; ReplicaUnavailableError for the CRM's; ConfigError for an address that can't be used."""
    with closing(Connector(database_url, "DATABASE_URL", OUTBOX)()) as outbox, closing(_crm(crm_database_url)) as crm:
        if is_same(outbox, crm):
            return Place.SAME
        return Place.STANDBY if is_standby(crm) and identity(outbox) == identity(crm) else Place.ELSEWHERE


def _crm(crm_database_url: str) -> Session:
    try:
        return Connector(crm_database_url, "CRM_DATABASE_URL", CRM)()
    except psycopg.OperationalError as error:
        raise ReplicaUnavailableError(f"CRM_DATABASE_URL: PostgreSQL does not answer ({first_line(error)}).") from error


@dataclass(slots=True)
class LastPlace:
    """Where the CRM was found when both servers last answered, for callers that ask often; None until then."""

    ask: Callable[[], Place]
    clock: Callable[[], float] = time.monotonic
    _found: Place | None = field(default=None, init=False)
    _asked: float = field(default=-math.inf, init=False)

    def __call__(self) -> Place | None:
        """The answer, at most `LASTS` seconds old if there is a newer one."""
        if self.clock() - self._asked > LASTS:
            self._asked = self.clock()
            # A server that is away is told by those that work with it; where it was, it will be.
            with suppress(psycopg.Error, SyncError):
                self._found = self.ask()
        return self._found


@cache
def last_place(database_url: str, crm_database_url: str) -> LastPlace:
    """One for these addresses in this process."""
    return LastPlace(partial(place_of_crm, database_url, crm_database_url))


def is_same(one: Session, other: Session) -> bool:
    """Whether two sessions are in one database: a lock that the one takes is taken for the other, and nowhere else."""
    name = secrets.randbits(63)
    one.execute(LOCK, [name])
    return other.execute(TRY, [name]).fetchone() == (False,)


def is_standby(session: Session) -> bool:
    """Whether the server follows another one."""
    return session.execute(IS_STANDBY).fetchone() == (True,)


def identity(session: Session) -> Any:
    """What a database and all its physical copies have in common."""
    return session.execute(IDENTITY).fetchone()
