"""Which sources are polled: those that say so, and all others if the CRM takes no triggers of ours. The servers are asked for that."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from worker.config.model import Mapping, Source
from worker.database.place import Place
from worker.database.sql import sql
from worker.errors import ReplicaUnavailableError

log = structlog.get_logger()


ASK_AGAIN = 60.0
"""Seconds for which the servers' answer is kept: to ask them is to connect to both."""


@dataclass
class Polled:
    """The sources without triggers: those that say so, and, if the CRM takes none, those that say nothing."""

    mapping: Mapping
    takes_no_triggers: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic
    _asked_at: float = field(default=float("-inf"), init=False)
    _answer: bool = field(default=False, init=False)

    def __call__(self) -> list[Source]:
        """Those of now, or of a minute ago."""
        silent = [source for source in self.mapping.sources.values() if source.capture is None]
        told = [source for source in self.mapping.sources.values() if source.capture == "poll"]
        return told + silent if silent and self._ask() else told

    def _ask(self) -> bool:
        if self.clock() - self._asked_at > ASK_AGAIN:
            self._answer, self._asked_at = self.takes_no_triggers(), self.clock()
        return self._answer


def is_polled(engine: Engine, place_of_crm: Callable[[], Place]) -> bool:
    """Whether the CRM is read as a whole: it takes no triggers, or is a standby of a database on which none are installed.

    False as well if a server does not answer, which goes to the log: the next time will tell.
    """
    try:
        place = place_of_crm()
        if place is not Place.STANDBY:
            return place is Place.ELSEWHERE
        return not is_watched(engine)
    except (psycopg.Error, DBAPIError, ReplicaUnavailableError) as error:
        log.warning("replica_unavailable", problem=f"DATABASE_URL or CRM_DATABASE_URL fails ({type(error).__name__}).")
        return False


def is_watched(engine: Engine) -> bool:
    """Whether triggers are installed in the outbox's database."""
    with engine.connect() as connection:
        return bool(connection.execute(sql(__package__, "is_watched")).scalar_one())
