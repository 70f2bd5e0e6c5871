"""Outliving a database that is away for a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from threading import Event

import psycopg
import structlog

log = structlog.get_logger("worker.local.demo")

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 30.0


@dataclass(slots=True)
class Patience:
    """Tries again, with delays (in seconds) that double, until `stop` is set."""

    dice: Random
    stop: Event
    delay: float = _FIRST_DELAY

    def endure(self, work: Callable[[], None]) -> None:
        """Do `work` until it returns; again after each connection that is lost and each transaction that gives way."""
        while not self.stop.is_set():
            try:
                return work()
            except (psycopg.OperationalError, psycopg.IntegrityError) as error:
                # IntegrityError too: somebody who plays with the CRM by hand may win the race for a row.
                log.warning("demo_crm_interrupted", error=type(error).__name__, sqlstate=error.sqlstate)
            self.stop.wait(self.delay * self.dice.uniform(0.5, 1))
            self.delay = min(2 * self.delay, _LONGEST_DELAY)
        return None

    def restore(self) -> None:
        """Begin with short delays again: the work is getting somewhere."""
        self.delay = _FIRST_DELAY
