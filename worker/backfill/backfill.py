"""Backfill: every contact of a source waits to be sent, behind live changes; put there in chunks, resumed where it stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import Engine

from worker.config.model import Mapping, Source
from worker.config.query import clean_condition, clean_query
from worker.database.rows import rows
from worker.database.sql import sql, without_binds
from worker.errors import ConfigError, MappingBrokenError, SyncError, first_line
from worker.failpoints import Failpoint, hit
from worker.projects.routes import Projects, Routes
from worker.read.faults import broken_or_unavailable, is_in_a_row, named
from worker.read.plan import find_key_type
from worker.read.reader import Reader, connected
from worker.read.walk import Walk

CHUNK = 5_000
EVERYBODY = "true"
"""The condition of our own backfills, so that none goes on where an operator's has stopped."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a backfill has come: `done` keys, the last of them `after`; None at its beginning."""

    done: int
    after: str | None
    started_at: datetime


@dataclass(slots=True)
class Backfill:
    """A backfill of `source`, of the keys for which `where` holds (SQL over the query's columns); `forced` sends the unchanged too.

    Each of its steps raises ConfigError if the condition is at fault, MappingBrokenError if the query is, and
    ReplicaUnavailableError if the CRM does not answer.
    """

    engine: Engine
    crm: Engine
    mapping: Mapping
    source: Source
    where: str = ""
    forced: bool = False

    def begin(self) -> Cursor:
        """Where it goes on; its beginning if none was stopped, or if the last key that is in no longer fits the query's keys."""
        cursor = self._cursor()
        return cursor if cursor.after is None or self._is_key(cursor.after) else self.begin_anew()

    def begin_anew(self) -> Cursor:
        """Its beginning, wherever it was stopped."""
        self._end()
        return self._cursor()

    def count(self) -> int | None:
        """How many keys there are in all; None if a row that can't be computed keeps PostgreSQL from counting."""
        keys = self._keys(self.where)
        try:
            with connected(self.crm, self.source) as driver, driver.transaction():
                driver.execute("SET LOCAL statement_timeout = 0")
                row = driver.execute(f"SELECT count(DISTINCT k.key) FROM ({keys}) AS k".encode(), {}).fetchone()
        except psycopg.Error as error:
            if is_in_a_row(error) and not self.where:
                return None
            raise self._told(error) from error
        return int(row[0]) if row else 0

    def run(self) -> Iterator[int]:
        """Let the contacts wait; yields how many do after each chunk, counted from the start of the whole backfill."""
        cursor = self.begin()
        done, routes = cursor.done, self._routes
        yield done
        try:
            for keys in distinct(self._walk.keys(cursor.after, size=CHUNK)):
                done += len(keys)
                self._wait(keys, routes.named(self.source, keys), done)
                hit(Failpoint.FILLED)
                yield done
        except psycopg.Error as error:
            raise self._told(error) from error
        self._end()

    @property
    def _routes(self) -> Routes:
        return Routes(Reader(self.crm), self.mapping)

    @property
    def _walk(self) -> Walk:
        return Walk(self.crm, self.source, self.where, sets_aside=self.where in {"", EVERYBODY})

    @property
    def _name(self) -> dict[str, Any]:
        return {"source": self.source.name, "condition": self.where, "forced": self.forced}

    @property
    def _query(self) -> str:
        return without_binds(clean_query(self.source.query))

    def _keys(self, where: str = "") -> str:
        condition = without_binds(f" AND (\n{clean_condition(where)})") if where else ""
        return f"SELECT q.key AS key FROM (\n{self._query}\n) AS q WHERE q.key IS NOT NULL{condition}"

    def _cursor(self) -> Cursor:
        with self.engine.begin() as connection:
            row = connection.execute(sql(__package__, "cursor"), self._name).one()
            return Cursor(row.done, row.last_key, row.started_at)

    def _end(self) -> None:
        with self.engine.begin() as connection:
            connection.execute(sql(__package__, "end"), self._name)

    def _is_key(self, key: str) -> bool:
        """Whether a key fits the query's, whose type may have changed."""
        with connected(self.crm, self.source) as driver:
            try:
                key_type = find_key_type(driver, self._query)
            except psycopg.Error as error:
                raise self._told(error) from error
            try:
                driver.execute(f"SELECT CAST(%s AS {key_type})".encode(), [key])
            except psycopg.DataError:
                return False
        return True

    def _wait(self, keys: list[str], named: Projects, done: int) -> None:
        """The keys and the progress in one transaction, so that a resumed backfill neither skips nor repeats a chunk."""
        kind = {"method": self.source.method, "identity": self.source.identity}
        with self.engine.begin() as connection:
            going = self._routes.destinations(connection, self.source, keys, named)
            values = {**kind, **self._name, "destinations": rows(("key", "project"), going), "done": done}
            connection.execute(sql(__package__, "enqueue"), values)
            connection.execute(sql(__package__, "advance"), {**self._name, "last_key": keys[-1], "done": done})

    def _told(self, error: psycopg.Error) -> SyncError:
        told = broken_or_unavailable(self.source, error)
        if not isinstance(told, MappingBrokenError):
            return told
        if self.where and self._error_of(f"SELECT count(*) FROM ({self._keys()}) AS k") is None:
            return self._condition_at_fault(error)
        return told

    def _condition_at_fault(self, error: psycopg.Error) -> ConfigError:
        """PostgreSQL's own words if it can't even plan the condition; those of an error at work may hold a contact's data."""
        planned = self._error_of(f"EXPLAIN {self._keys(self.where)}")
        words = first_line(planned) if planned else f"it can't be computed for every row: {named(error)}"
        return ConfigError(f"--where: {words}: correct the condition.")

    def _error_of(self, statement: str) -> psycopg.Error | None:
        with connected(self.crm, self.source) as driver:
            try:
                with driver.transaction():
                    driver.execute("SET LOCAL statement_timeout = 0")
                    driver.execute(statement, {})
            except psycopg.Error as error:
                return error
        return None


def distinct(chunks: Iterable[list[str]]) -> Iterator[list[str]]:
    """Keys in their order, each once, however often the query returns it."""
    last: str | None = None
    for chunk in chunks:
        keys = [key for key in dict.fromkeys(chunk) if key != last]
        last = chunk[-1]
        if keys:
            yield keys
