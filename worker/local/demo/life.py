"""The people who work with the demo CRM: one event after the other, at a pace."""

from __future__ import annotations

from random import Random
from threading import Event as Flag
from typing import Any

import psycopg
import structlog

from worker.config.settings import libpq_url
from worker.local.demo.crm import MOST_CONTACTS, Crm
from worker.local.demo.events import WEIGHTS, Event
from worker.local.demo.patience import Patience

log = structlog.get_logger("worker.local.demo")

_CONNECTION: dict[str, Any] = {
    "application_name": "ringostat-sync demo CRM",
    "connect_timeout": 5,
    "tcp_user_timeout": 20_000,
    # Somebody who holds a lock on the CRM must not keep the program from ending.
    "options": "-c lock_timeout=3s -c statement_timeout=5s",
}
_LONGEST_PAUSE = 4
"""In average pauses: people are irregular, but nobody who watches should think that they have gone home."""


def live(database_url: str, *, dice: Random, pace: float, stop: Flag) -> None:
    """Let `pace` events a second, on average, happen to the CRM in `database_url` until `stop` is set.

    A connection that is lost is made again. Raises psycopg.Error if the CRM itself is broken: its schema is gone, or
    its role may not write.
    """
    patience = Patience(dice, stop)
    patience.endure(lambda: _live(database_url, pace, patience))


def _live(database_url: str, pace: float, patience: Patience) -> None:
    dice, stop = patience.dice, patience.stop
    with psycopg.connect(libpq_url(database_url), autocommit=True, **_CONNECTION) as connection:
        crm = Crm(connection, dice, most_contacts=_most_contacts(connection))
        while not stop.wait(min(dice.expovariate(pace), _LONGEST_PAUSE / pace)):
            happen(crm, choose(dice))
            patience.restore()


def _most_contacts(connection: psycopg.Connection[tuple[int]]) -> int:
    """A CRM that was installed large stays so; a small one grows to be of a size that a person can look through."""
    [(count,)] = connection.execute("SELECT count(*) FROM crm.contacts").fetchall()
    return max(MOST_CONTACTS, count)


def choose(dice: Random) -> Event:
    """What happens next."""
    return dice.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))[0]


def happen(crm: Crm, event: Event) -> bool:
    """Let an event happen in a transaction of its own, and log its ids; False if it had nobody to happen to."""
    with crm.connection.transaction():
        ids = event(crm)
    if ids is None:
        return False
    log.info(event.__name__, **ids)
    return True
