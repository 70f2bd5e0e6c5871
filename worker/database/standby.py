"""A standby of the outbox's server lags behind it: it is read once it has what was captured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Engine

from worker.database.place import identity, is_standby
from worker.errors import ReplicaUnavailableError

PATIENCE = 2.0
"""Seconds to wait for a standby; it is then tried again later, outside the worker's slot."""
EVERY = 0.02
NOW_WRITTEN = "SELECT pg_catalog.pg_current_wal_insert_lsn()::text"
HAS = "SELECT NOT pg_catalog.pg_is_in_recovery() OR pg_catalog.pg_last_wal_replay_lsn() >= %s::pg_catalog.pg_lsn"

Session = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Standby:
    """Standbys of the server of `outbox`. `clock` is monotonic, in seconds."""

    outbox: Engine
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def follows(self, session: Session) -> bool:
        """Whether a session is on such a standby. Raises psycopg.Error, or SQLAlchemy's for the outbox."""
        if not is_standby(session):
            return False
        with self.outbox.connect() as connection:
            driver: Any = connection.connection.driver_connection
            return bool(identity(driver) == identity(session))

    def catch_up(self, session: Session) -> None:
        """Wait until the standby has all that its server has written by now; ReplicaUnavailableError if that takes long.

        What is visible there is written, but with `synchronous_commit = off` perhaps not to the disk, so it is the insert position.
        """
        with self.outbox.connect() as connection:
            written = connection.exec_driver_sql(NOW_WRITTEN).scalar_one()
        end = self.clock() + PATIENCE
        while session.execute(HAS, [written]).fetchone() != (True,):
            if self.clock() >= end:
                raise ReplicaUnavailableError(
                    "The standby that CRM_DATABASE_URL names lags behind DATABASE_URL, and is read when it has caught up."
                )
            self.sleep(EVERY)
