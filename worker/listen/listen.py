"""Listen: looks at the pending indexes and wakes the collector, within milliseconds of a commit.

A poll costs the CRM's writers nothing; a NOTIFY in their transactions would make their commits wait for each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

from psycopg.errors import InvalidSchemaName, UndefinedTable
from redis.exceptions import RedisError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from worker.broker.client import problem
from worker.broker.trouble import Trouble
from worker.config.model import Mapping
from worker.database.engines import at_once
from worker.errors import BrokerUnavailableError
from worker.failpoints import Failpoint, hit
from worker.listen.look import look
from worker.listen.wake import Wake

BUSY = 0.025
IDLE = 0.150
CALM_AFTER = 1.0
"""Seconds without work after which the listener looks less often."""
REST = 4.0
"""A look that takes long (an old snapshot keeps dead rows in the indexes) is followed by a rest of so many times as long."""
LONGEST_REST = 0.5
SESSION = 60.0
"""Seconds after which a session is given back, and asked whether its server is still the one that is written to."""
TROUBLE = 1.0
"""Seconds to wait if PostgreSQL or Redis does not answer."""


def listen(
    engine: Engine,
    mapping: Mapping,
    wake: Wake,
    send: Callable[[int], None],
    stop: Event,
    progress: Callable[[], None] = lambda: None,
) -> None:
    """Look until `stop` is set; `send` puts a project's round on its way. Servers that are away are waited for.

    `progress` is called at each look.
    """
    trouble = Trouble("listen_waits")
    while not stop.is_set():
        try:
            with at_once(engine) as connection:
                _look_on(connection, mapping, wake, send, stop, progress)
        except (DBAPIError, RedisError, BrokerUnavailableError, OSError) as error:
            trouble.tell(_named(error))
            progress()  # to wait for a server is all that there is to do
            stop.wait(TROUBLE)


def _named(error: Exception) -> str:
    """What is in the way, and what to do if we know it."""
    original = getattr(error, "orig", None)
    if isinstance(original, UndefinedTable | InvalidSchemaName):
        return "the schema is not there yet: run `ringostat-sync migrate`"
    if isinstance(error, DBAPIError):
        return f"DATABASE_URL: PostgreSQL does not answer ({type(original).__name__})"
    return problem(error)


def _look_on(
    connection: Connection,
    mapping: Mapping,
    wake: Wake,
    send: Callable[[int], None],
    stop: Event,
    progress: Callable[[], None],
) -> None:
    last_work = time.monotonic()
    until = last_work + SESSION
    projects: set[int] = set()
    while not stop.is_set() and time.monotonic() < until:
        progress()
        if len(projects) == len(mapping.projects) and wake.are_claimed(projects):
            stop.wait(BUSY)  # every project's round is on its way
            continue
        looked = time.monotonic()
        projects = look(connection, mapping)
        took = time.monotonic() - looked
        for project in sorted(projects):
            if wake.claim(project):
                hit(Failpoint.WOKEN)
                send(project)
        if projects:
            last_work = time.monotonic()
        pause = BUSY if time.monotonic() - last_work < CALM_AFTER else IDLE
        stop.wait(max(pause, min(took * REST, LONGEST_REST)))
