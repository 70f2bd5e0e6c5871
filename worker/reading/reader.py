"""Reading contacts from the CRM replica, now, through the user's mapping."""

from __future__ import annotations

from collections.abc import Sequence
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
from worker.errors import MappingBrokenError, SyncError
from worker.reading.plan import Plan, choose_plan

ROW_KEY = "ringostat_sync_key"
PASSING_CLASSES = {"08", "40", "53", "57", "58", "XX"}
TIMED_OUT = "57014"
TEXTS = {"text", "character varying", "character"}
"""Types of keys whose every letter counts; where two spellings are two contacts."""


class ReplicaUnavailableError(SyncError):
    """The CRM replica does not answer; the batch is postponed."""


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
    """Reads through the sources' queries. Key types and plans are found once per source and process."""

    engine: Engine
    _plans: dict[str, Plan] = field(default_factory=dict)

    def read(self, source: Source, keys: Sequence[str]) -> dict[str, Found | Unreadable]:
        """What the mapping returns for `keys`, by key.

        Raises MappingBrokenError where the query itself fails, ReplicaUnavailableError where the replica does.
        """
        try:
            with self.engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                return self._read(driver, source, list(keys))
        except DBAPIError as error:
            raise ReplicaUnavailableError(
                "The CRM replica does not answer: check CRM_DATABASE_URL and the server."
            ) from error

    def _read(
        self, connection: psycopg.Connection[Any], source: Source, keys: list[str]
    ) -> dict[str, Found | Unreadable]:
        try:
            if source.name not in self._plans:
                self._plans[source.name] = choose_plan(connection, clean_query(source.query))
            return self._split_on_bad_values(connection, self._plans[source.name], keys)
        except psycopg.Error as error:
            # The CRM may have been migrated under us: the next try finds the key's type anew.
            self._plans.pop(source.name, None)
            raise broken_or_unavailable(source, error) from error

    def _split_on_bad_values(
        self, connection: psycopg.Connection[Any], plan: Plan, keys: list[str]
    ) -> dict[str, Found | Unreadable]:
        """Read all keys at once; where a value can't be computed (class 22), halve until the one at fault stands alone."""
        try:
            return grouped(keys, fetch(connection, plan, keys), plan.key_type)
        except psycopg.DataError as error:
            if len(keys) == 1:
                return {keys[0]: self._one_at_fault(connection, plan, keys[0], error)}
        half = len(keys) // 2
        return self._split_on_bad_values(connection, plan, keys[:half]) | self._split_on_bad_values(
            connection, plan, keys[half:]
        )

    def _one_at_fault(
        self, connection: psycopg.Connection[Any], plan: Plan, key: str, error: psycopg.DataError
    ) -> Found | Unreadable:
        """A key that its column's type can't hold names nobody; otherwise the row is at fault."""
        try:
            connection.execute(compose.SQL("SELECT CAST(%s AS {})").format(compose.SQL(plan.key_type)), [key])
        except psycopg.DataError:
            return Found(key, ())
        return Unreadable(key, f"{error.sqlstate} {type(error).__name__}")


def fetch(connection: psycopg.Connection[Any], plan: Plan, keys: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of `keys`: one statement, or, where a condition on many keys would read the whole CRM, one a key in a pipeline."""
    with connection.cursor(row_factory=dict_row) as cursor:
        if not plan.one_by_one:
            return cursor.execute(plan.many, [list(keys)]).fetchall()
    with connection.pipeline():
        # Not prepared: where a row fails, the pipeline is given up, and with it a PREPARE that psycopg believes in.
        cursors = [connection.cursor(row_factory=dict_row).execute(plan.single, [key], prepare=False) for key in keys]
        return [row for cursor in cursors for row in cursor.fetchall()]


def grouped(keys: Sequence[str], rows: Sequence[dict[str, Any]], key_type: str) -> dict[str, Found | Unreadable]:
    """Rows by the key as it was asked for. But of a text, PostgreSQL's spelling (`7`) may differ from the outbox's (`007`)."""
    by_key: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_key.setdefault(str(row[ROW_KEY]), []).append(row)
    spelt = str if key_type in TEXTS else plain
    return {key: Found(key, tuple(by_key.get(key) or by_key.get(spelt(key)) or ())) for key in keys}


def plain(key: str) -> str:
    """A key as PostgreSQL spells it: whole numbers without sign and leading zeros, uuids in lower case."""
    text = key.strip()
    return str(int(text)) if text.lstrip("+-").isdecimal() and text.isascii() else text.lower()


def broken_or_unavailable(source: Source, error: psycopg.Error) -> SyncError:
    """Whether a failed query is the mapping's fault (it pauses the project) or the replica's (it passes)."""
    state = error.sqlstate or ""
    if not state or (state[:2] in PASSING_CLASSES and state != TIMED_OUT):
        return ReplicaUnavailableError("The CRM replica does not answer: check CRM_DATABASE_URL and the server.")
    return MappingBrokenError(
        f"The query of source {source.name!r} fails ({state} {type(error).__name__}): run `ringostat-sync check` to see why."
    )
