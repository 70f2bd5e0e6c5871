"""Reading contacts from the CRM replica, now, through the user's mapping."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import psycopg
from psycopg import sql as compose
from psycopg.rows import dict_row
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from worker.config.model import Source
from worker.config.query import clean_query
from worker.database.sql import without_binds
from worker.errors import MappingBrokenError, SyncError
from worker.read.plan import Plan, choose_plan, find_key_type

ROW_KEY = "ringostat_sync_key"
AWAY = "The CRM replica does not answer: check CRM_DATABASE_URL and the server."
PASSING_CLASSES = {"08", "40", "53", "57", "58", "XX"}
TIMED_OUT = "57014"
TEXTS = {"text", "character varying"}
"""Types of keys whose every letter counts; where two spellings are two contacts."""
PLAN_LASTS = 600.0
"""Seconds for which a plan is kept: a CRM that was empty when the worker started is full one day, and read in another way."""


class ReplicaUnavailableError(SyncError):
    """The CRM replica does not answer; whoever asked tries again a little later."""


class KeyTypeChangedError(ReplicaUnavailableError):
    """The key column's type is another one than the plan's; the keys are read again."""


class Found(msgspec.Struct, frozen=True, gc=False):
    """The rows of one key: none (absent), one, or several (a mapping that repeats a key)."""

    key: str
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """PostgreSQL could not compute this key's row (SQLSTATE class 22); `problem` names the error, without values."""

    key: str
    problem: str


@dataclass(slots=True)
class Reader:
    """Reads through the sources' queries. Key types and plans are found once per source and process, and now and then anew."""

    engine: Engine
    clock: Callable[[], float] = time.monotonic
    _plans: dict[str, tuple[Plan, float]] = field(default_factory=dict)

    def read(self, source: Source, keys: Sequence[str]) -> dict[str, Found | Unreadable]:
        """What the mapping returns for `keys`, by key.

        Raises MappingBrokenError where the query itself fails, ReplicaUnavailableError where the replica does.
        """
        with connected(self.engine) as connection:
            return self._read(connection, source, list(keys))

    def _read(
        self, connection: psycopg.Connection[Any], source: Source, keys: list[str]
    ) -> dict[str, Found | Unreadable]:
        try:
            try:
                return self._split_on_bad_values(connection, source, keys)
            except KeyTypeChangedError:
                self._plans.pop(source.name, None)
                return self._split_on_bad_values(connection, source, keys)
        except psycopg.Error as error:
            # The CRM may have been migrated under us: the next try finds the key's type anew.
            self._plans.pop(source.name, None)
            raise broken_or_unavailable(source, error) from error

    def _plan(self, connection: psycopg.Connection[Any], source: Source) -> Plan:
        plan, made = self._plans.get(source.name, (None, 0.0))
        if plan is None or self.clock() - made > PLAN_LASTS:
            plan = choose_plan(connection, clean_query(source.query))
            self._plans[source.name] = plan, self.clock()
        return plan

    def _split_on_bad_values(
        self, connection: psycopg.Connection[Any], source: Source, keys: list[str]
    ) -> dict[str, Found | Unreadable]:
        """Read all keys at once; where a value can't be computed (class 22), halve until the one at fault stands alone."""
        plan = self._plan(connection, source)
        try:
            return found(connection, plan, keys)
        except psycopg.DataError as error:
            if len(keys) == 1:
                return {keys[0]: self._one_at_fault(connection, source, keys[0], error)}
        half = len(keys) // 2
        return self._split_on_bad_values(connection, source, keys[:half]) | self._split_on_bad_values(
            connection, source, keys[half:]
        )

    def _one_at_fault(
        self, connection: psycopg.Connection[Any], source: Source, key: str, error: psycopg.DataError
    ) -> Found | Unreadable:
        """A key that its column's type can't hold names nobody; otherwise the row is at fault."""
        key_type = self._plan(connection, source).key_type
        try:
            connection.execute(compose.SQL("SELECT CAST(%s AS {})").format(compose.SQL(key_type)), [key])
        except psycopg.DataError as uncast:
            if find_key_type(connection, without_binds(clean_query(source.query))) != key_type:
                raise KeyTypeChangedError("The CRM gave its keys another type.") from uncast
            return Found(key, ())
        return Unreadable(key, f"{error.sqlstate} {type(error).__name__}")


@contextmanager
def connected(crm: Engine) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the CRM replica. Raises ReplicaUnavailableError where there is none to be had."""
    try:
        connection = crm.connect()
    except DBAPIError as error:
        raise ReplicaUnavailableError(AWAY) from error
    with connection:
        driver: Any = connection.connection.driver_connection
        yield driver


def found(connection: psycopg.Connection[Any], plan: Plan, keys: Sequence[str]) -> dict[str, Found | Unreadable]:
    """The rows of `keys`, by the key as it was asked for, however PostgreSQL spells it (`7` for `007`)."""
    by_key: dict[str, list[dict[str, Any]]] = {}
    for row in fetch(connection, plan, keys):
        by_key.setdefault(str(row[ROW_KEY]), []).append(row)
    strange = [key for key in keys if key not in by_key] if plan.key_type not in TEXTS else []
    spelt = spellings(connection, plan, strange, list(by_key)) if strange and by_key else {}
    return {key: Found(key, tuple(by_key.get(spelt.get(key, key), ()))) for key in keys}


def fetch(connection: psycopg.Connection[Any], plan: Plan, keys: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of `keys`: one statement, or, where a condition on many keys would read the whole CRM, one a key in a pipeline."""
    with connection.cursor(row_factory=dict_row) as cursor:
        if not plan.one_by_one:
            return cursor.execute(plan.many, [list(keys)]).fetchall()
    with connection.pipeline():
        # Not prepared: where a row fails, the pipeline is given up, and with it a PREPARE that psycopg believes in.
        cursors = [connection.cursor(row_factory=dict_row).execute(plan.single, [key], prepare=False) for key in keys]
        return [row for cursor in cursors for row in cursor.fetchall()]


def spellings(
    connection: psycopg.Connection[Any], plan: Plan, asked: Sequence[str], returned: Sequence[str]
) -> dict[str, str]:
    """Which of the keys that were asked for equal a returned one that is spelt otherwise, by the type's own equality."""
    statement = (
        "SELECT a.key, r.key FROM unnest(%s::text[]) AS a (key) JOIN unnest(%s::text[]) AS r (key)"
        f" ON CAST(a.key AS {plan.key_type}) = CAST(r.key AS {plan.key_type})"
    )
    return dict(connection.execute(statement.encode(), [list(asked), list(returned)]).fetchall())


def broken_or_unavailable(source: Source, error: psycopg.Error, what: str = "The query") -> SyncError:
    """Whether a failed query is the mapping's fault (it pauses the project) or the replica's (it passes)."""
    state = error.sqlstate or ""
    if not state or (state[:2] in PASSING_CLASSES and state != TIMED_OUT):
        return ReplicaUnavailableError(AWAY)
    return MappingBrokenError(
        f"{what} of source {source.name!r} fails ({state} {type(error).__name__}): run `ringostat-sync check` to see why."
    )
