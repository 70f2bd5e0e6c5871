"""Locks on the CRM's tables, asked for only for a moment, so that the CRM does not queue behind us."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
from psycopg import errors

from worker.database.patience import LOCK_TIMEOUT_MS, Patience
from worker.errors import ConfigError, RefusedError


@dataclass(frozen=True, slots=True)
class LockPatience:
    """Runs steps that need locks, each for up to `patience` seconds; `dice` gives a number from 0 to 1."""

    connection: psycopg.Connection[Any]
    patience: float = 60.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    dice: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        if not self.connection.autocommit:
            raise ValueError("capture needs a connection in autocommit: else it would hold its locks while it waits")

    def run(self, table: str, step: Callable[[], None]) -> None:
        """Run a step in a transaction of its own, again and again until it gets its locks; one at a time per database.

        Raises RefusedError naming the table when the patience is over, ConfigError when the table is another user's.
        """
        patience = Patience(self.patience, self.clock, self.sleep, self.dice)
        if not patience.until(partial(self._try, table, step)):
            raise RefusedError(f"{table} stayed locked for {self.patience:g} s: try again when the CRM is less busy.")

    def _try(self, table: str, step: Callable[[], None]) -> bool:
        try:
            with self.connection.transaction():
                self.connection.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
                self.connection.execute("SET LOCAL search_path = pg_catalog, pg_temp")
                self.connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('ringostat-sync capture', 0))")
                step()
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            return False
        except errors.InsufficientPrivilege as error:
            raise ConfigError(f"{table}: {error.diag.message_primary}: use the role that owns the table.") from error
        return True
