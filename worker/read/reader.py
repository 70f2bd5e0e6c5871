"""Reading contacts from the CRM replica, now, through the user's mapping."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
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
from worker.errors import ReplicaUnavailableError
from worker.read.faults import AWAY, broken_or_unavailable, is_in_a_row, named
from worker.read.plan import Plan, choose_plan, find_key_type

ROW_KEY = "ringostat_sync_key"
TEXTS = {"text", "character varying"}
"""Types of keys whose every letter counts, unless a collation says otherwise; two spellings are two contacts."""
PLAN_LASTS = 600.0
"""Seconds for which a plan is kept: a CRM that was empty when the worker started is full one day, and read in another way."""
Session = psycopg.Connection[Any]


class KeyTypeChangedError(ReplicaUnavailableError):
    """The key column's type is another one than the plan's; the keys are read again."""


class Found(msgspec.Struct, frozen=True, gc=False):
    """The rows of one key: none (absent), one, or several (a mapping that repeats a key)."""

    key: str
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """PostgreSQL could not compute this key's row, while it could compute others; `problem` names the error, without values."""

    key: str
    problem: str


Keys = dict[str, Found | Unreadable]


@dataclass(slots=True)
class Reader:
    """Reads through the sources' queries. Key types and plans are found once per source and process, and now and then anew."""

    engine: Engine
    clock: Callable[[], float] = time.monotonic
    _plans: dict[str, tuple[Plan, float]] = field(default_factory=dict)

    def read(self, source: Source, keys: Sequence[str]) -> Keys:
        """What the mapping returns for `keys`, by key.

        Raises MappingBrokenError if the query itself fails, ReplicaUnavailableError if the replica does.
        """
        with connected(self.engine, source) as connection:
            return self._read(connection, source, list(keys))

    def _read(self, connection: Session, source: Source, keys: list[str]) -> Keys:
        try:
            try:
                return self._readable(connection, source, keys)
            except KeyTypeChangedError:
                self._plans.pop(source.name, None)
                return self._readable(connection, source, keys)
        except psycopg.Error as error:
            # The CRM may have been migrated under us: the next try finds the key's type anew.
            self._plans.pop(source.name, None)
            raise broken_or_unavailable(source, error) from error

    def _readable(self, connection: Session, source: Source, keys: list[str]) -> Keys:
        """What is read of the keys. A contact is at fault if others can be read: raises the error of one if none can."""
        faults: list[psycopg.Error] = []
        read = self._split(connection, source, keys, faults)
        if faults and not any(isinstance(one, Found) and one.rows for one in read.values()):
            self._read_others(connection, source, keys, faults[0])
        return read

    def _read_others(self, connection: Session, source: Source, keys: Collection[str], fault: psycopg.Error) -> None:
        """Raise `fault`, unless a contact beside these can be read."""
        plan = self._plan(connection, source)
        for key in (key for key in plan.sample if key not in keys):
            try:
                if fetch(connection, plan, [key]):
                    return
            except psycopg.Error as error:
                if not is_in_a_row(error):
                    raise
        raise fault

    def _plan(self, connection: Session, source: Source) -> Plan:
        plan, made = self._plans.get(source.name, (None, 0.0))
        if plan is None or self.clock() - made > PLAN_LASTS:
            plan = choose_plan(connection, clean_query(source.query))
            self._plans[source.name] = plan, self.clock()
        return plan

    def _split(self, connection: Session, source: Source, keys: list[str], faults: list[psycopg.Error]) -> Keys:
        """Read all keys at once; if a row can't be computed, halve until the one at fault is alone. `faults` gets the errors of those."""
        try:
            return found(connection, self._plan(connection, source), keys)
        except psycopg.Error as error:
            if not is_in_a_row(error):
                raise
            if len(keys) == 1:
                return {keys[0]: self._one_at_fault(connection, source, keys[0], error, faults)}
        half = len(keys) // 2
        left = self._split(connection, source, keys[:half], faults)
        return left | self._split(connection, source, keys[half:], faults)

    def _one_at_fault(
        self, connection: Session, source: Source, key: str, error: psycopg.Error, faults: list[psycopg.Error]
    ) -> Found | Unreadable:
        """A key that its column's type can't hold is no contact's; otherwise the row is at fault."""
        key_type = self._plan(connection, source).key_type
        try:
            connection.execute(compose.SQL("SELECT CAST(%s AS {})").format(compose.SQL(key_type)), [key])
        except psycopg.DataError as uncast:
            if find_key_type(connection, without_binds(clean_query(source.query))) != key_type:
                raise KeyTypeChangedError("The CRM gave its keys another type.") from uncast
            return Found(key, ())
        faults.append(error)
        return Unreadable(key, named(error))


@contextmanager
def connected(crm: Engine, source: Source) -> Iterator[Session]:
    """A connection to the CRM replica for a source, by its own word on row level security.

    Raises ReplicaUnavailableError if there is none to be had.
    """
    try:
        connection = crm.connect()
    except DBAPIError as error:
        raise ReplicaUnavailableError(AWAY) from error
    with connection:
        driver: Any = connection.connection.driver_connection
        if connection.info.get("row_security", False) != source.row_security:
            driver.execute(f"SET row_security = {'on' if source.row_security else 'off'}")
            connection.info["row_security"] = source.row_security
        yield driver


def found(connection: Session, plan: Plan, keys: Sequence[str]) -> Keys:
    """The rows of `keys`, by the key as it was asked for, however the CRM spells it: `7` for `007`, under some collations `Ab` for `ab`."""
    by_key: dict[str, list[dict[str, Any]]] = {}
    for row in fetch(connection, plan, keys):
        by_key.setdefault(str(row[ROW_KEY]), []).append(row)
    by_letter = plan.key_type in TEXTS and not plan.collation
    strange = [] if by_letter else [key for key in keys if key not in by_key]
    spelt = spellings(connection, plan, strange, list(by_key)) if strange and by_key else {}
    for asked, returned in spelt.items():
        by_key[asked] = [row for key in returned for row in by_key[key]]
    return {key: Found(key, tuple(by_key.get(key, ()))) for key in keys}


def fetch(connection: Session, plan: Plan, keys: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of `keys`: one statement, or, if a condition on many keys would read the whole CRM, one a key in a pipeline."""
    with connection.cursor(row_factory=dict_row) as cursor:
        if not plan.one_by_one:
            return cursor.execute(plan.many, [list(keys)]).fetchall()
    with connection.pipeline():
        # Not prepared: where a row fails, the pipeline is given up, and with it a PREPARE that psycopg believes in.
        cursors = [connection.cursor(row_factory=dict_row).execute(plan.single, [key], prepare=False) for key in keys]
        return [row for cursor in cursors for row in cursor.fetchall()]


def spellings(connection: Session, plan: Plan, asked: Sequence[str], returned: Sequence[str]) -> dict[str, list[str]]:
    """The returned keys that equal one that was asked for, by the equality of the query's own column."""
    cast = f"CAST({{}} AS {plan.key_type}){plan.collation}"
    statement = (
        "SELECT a.key, array_agg(r.key ORDER BY r.key) FROM unnest(%s::text[]) AS a (key) JOIN unnest(%s::text[]) AS r (key)"
        f" ON {cast.format('a.key')} = {cast.format('r.key')} GROUP BY a.key"
    )
    return dict(connection.execute(statement.encode(), [list(asked), list(returned)]).fetchall())
