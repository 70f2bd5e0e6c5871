"""Walk: the contacts of a source in the order of their keys, chunk by chunk; resumable, in flat memory.

A row that can't be computed stops no other: from there on keys are read alone and their rows by key. If even the keys can't be read
(DISTINCT and UNION compute all columns), keys are divided by their hashes until those at fault stand aside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

import psycopg
import structlog
from psycopg.rows import dict_row, tuple_row
from sqlalchemy import Engine

from worker.config.model import Source
from worker.config.query import clean_condition, clean_query
from worker.database.sql import without_binds
from worker.errors import MappingBrokenError, SyncError
from worker.read.faults import broken_or_unavailable, is_in_a_row
from worker.read.plan import find_key_type, find_loose_collation
from worker.read.reader import ROW_KEY, Found, Reader, Unreadable, connected

log = structlog.get_logger()

ROWS = 2_000
"""Rows of a chunk."""
KEYS = 5_000
BY_KEY = 500
"""Keys of a chunk whose rows are read by key."""
RECOVERY_CONFLICTS = {"40001", "40P01"}
"""A standby cancels a statement whose rows the primary has vacuumed: it is asked again."""
MOST_CONFLICTS = 10
LOWEST, HIGHEST = -(2**63), 2**63 - 1
NARROWEST = 2**32
"""Hashes that a set of keys may span which is left aside: of a million keys it holds one."""
MOST_FAULTS = 100
"""Sets of keys left aside, beyond which the query itself counts as broken."""

Chunk = dict[str, Found | Unreadable]
Hashes = tuple[int, int]


@dataclass(slots=True)
class Walk:
    """Reads a source. `more`: a condition over the query's columns. `aside`: sets of keys, by their hashes, that can't be read;
    without `sets_aside` such a key is an error.

    Its methods raise MappingBrokenError if the query is at fault, ReplicaUnavailableError if the CRM does not answer;
    `keys` alone raises psycopg's errors, which `told` turns into those.
    """

    crm: Engine
    source: Source
    more: str = ""
    aside: list[Hashes] = field(default_factory=list)
    sets_aside: bool = True
    _key: str = field(default="q.key", init=False)

    def chunks(self, after: str | None) -> Iterator[Chunk]:
        """What the mapping returns, by key, in the order of the keys."""
        last = after
        try:
            try:
                for chunk in self._rows(after):
                    last = next(reversed(chunk))
                    yield chunk
            except psycopg.Error as error:
                if not is_in_a_row(error):
                    raise
                log.warning("row_unreadable", source=self.source.name, sqlstate=error.sqlstate)
                yield from self._by_key(last)
        except psycopg.Error as error:
            raise self.told(error) from error

    def _rows(self, after: str | None) -> Iterator[Chunk]:
        """Whole rows through one cursor; the last key of a chunk of rows begins the next, as it may come again."""
        rest: list[dict[str, Any]] = []
        for rows in self._patient(self._row_statement, after, ROWS, dict_row, itemgetter(ROW_KEY)):
            rows = rest + rows  # noqa: PLW2901 - what was left of the chunk before comes first
            last = rows[-1][ROW_KEY]
            cut = len(rows)
            while cut and rows[cut - 1][ROW_KEY] == last:
                cut -= 1
            rest = rows[cut:]
            if cut:
                yield grouped(rows[:cut])
        if rest:
            yield grouped(rest)

    def _by_key(self, after: str | None) -> Iterator[Chunk]:
        reader = Reader(self.crm)
        for keys in self.keys(after, size=BY_KEY):
            yield reader.read(self.source, list(dict.fromkeys(keys)))

    def keys(self, after: str | None, *, size: int = KEYS) -> Iterator[list[str]]:
        """The keys alone, in their order, as many times as the query returns them."""
        last = after
        while True:
            try:
                for keys in self._patient(self._key_statement, last, size, tuple_row, itemgetter(0)):
                    last = keys[-1][0]
                    yield [key for (key,) in keys]
            except psycopg.Error as error:
                if not self.sets_aside or not is_in_a_row(error) or not self._set_aside(last, error):
                    raise
            else:
                return

    def sorted_keys(self) -> Iterator[list[tuple[str, str | None]]]:
        """The keys in the order of their bytes, as the outbox's database sorts them too; it may begin anew where it breaks off.

        Each with the "projectId" of its row if the source is routed.
        """
        while True:
            try:
                yield from self._patient(self._byte_order, None, KEYS, tuple_row, itemgetter(0))
            except psycopg.Error as error:
                if not is_in_a_row(error) or not self._set_aside(None, error):
                    raise self.told(error) from error
            else:
                return

    def watermark_type(self) -> str | None:
        """The type of the query's column `watermark`, None if it has none."""
        with self._asking() as driver:
            cursor = driver.execute(f"SELECT q.* FROM (\n{self._query}\n) AS q LIMIT 0".encode(), {})
            found = [column.type_code for column in cursor.description or () if column.name == "watermark"]
            row = driver.execute("SELECT format_type(%s, -1)", found).fetchone() if found else None
            return str(row[0]) if row else None

    def highest_watermark(self, *, is_time: bool) -> str | None:
        """The highest `watermark` of all rows for which `more` holds; a time in the future counts for none. None if there is none."""
        limits = ["true", *(["q.watermark <= now()"] if is_time else []), *self._more()]
        statement = f"SELECT max(q.watermark)::text FROM (\n{self._query}\n) AS q WHERE {' AND '.join(limits)}"
        with self._asking() as driver, driver.transaction():
            driver.execute("SET LOCAL statement_timeout = 0")
            row = driver.execute(statement.encode(), {}).fetchone()
            return row[0] if row else None

    @contextmanager
    def _asking(self) -> Iterator[psycopg.Connection[Any]]:
        with connected(self.crm, self.source) as driver:
            try:
                yield driver
            except psycopg.Error as error:
                raise self.told(error) from error

    @property
    def _query(self) -> str:
        return without_binds(clean_query(self.source.query))

    def _conditions(self, after: str | None, key_type: str) -> str:
        told = ["q.key IS NOT NULL"]
        if after is not None:
            told.append(f"{self._key} > CAST(%(after)s AS {key_type})")
        told += self._more()
        told += [f"hashtextextended(q.key::text, 0) NOT BETWEEN {low} AND {high}" for low, high in self.aside]
        return " AND ".join(told)

    def _more(self) -> list[str]:
        return [without_binds(f"(\n{clean_condition(self.more)})")] if self.more else []

    def _row_statement(self, after: str | None, key_type: str) -> str:
        head = f"SELECT q.key::text AS {ROW_KEY}, q.* FROM (\n{self._query}\n) AS q"
        return f"{head} WHERE {self._conditions(after, key_type)} ORDER BY {self._key}"

    def _key_statement(self, after: str | None, key_type: str) -> str:
        return (
            f"SELECT k.key::text FROM (SELECT q.key AS key FROM (\n{self._query}\n) AS q"
            f" WHERE {self._conditions(after, key_type)}) AS k ORDER BY {self._key.replace('q.', 'k.')}"
        )

    def _byte_order(self, after: str | None, key_type: str) -> str:
        project = 'q."projectId"::text' if self.source.routed else "NULL"
        return (
            f"SELECT q.key::text AS key, {project} FROM (\n{self._query}\n) AS q"
            f' WHERE {self._conditions(after, key_type)} ORDER BY q.key::text COLLATE "C"'
        )

    def _patient(
        self,
        statement: Callable[[str | None, str], str],
        after: str | None,
        size: int,
        row_factory: Any,
        key: Callable[[Any], str],
    ) -> Iterator[list[Any]]:
        """Rows through a cursor on the server; one that a standby cancels goes on after the last row that came."""
        last, conflicts = after, 0
        while True:
            try:
                for rows in self._fetched(statement, last, size, row_factory):
                    yield rows
                    last, conflicts = self._resumable(key(rows[-1]), statement), 0
            except psycopg.Error as error:
                conflicts += 1
                if error.sqlstate not in RECOVERY_CONFLICTS or conflicts > MOST_CONFLICTS:
                    raise
                log.info("recovery_conflict", source=self.source.name, sqlstate=error.sqlstate)
            else:
                return

    def _resumable(self, key: str, statement: Callable[[str | None, str], str]) -> str | None:
        # In the order of bytes `key >` of the key's own type says nothing: that walk begins anew, and repeats keys.
        return None if statement == self._byte_order else key

    def _fetched(
        self, statement: Callable[[str | None, str], str], after: str | None, size: int, row_factory: Any
    ) -> Iterator[list[Any]]:
        with connected(self.crm, self.source) as driver:
            key_type = find_key_type(driver, self._query)
            # By a loose collation two keys are equal that are not the same: on resuming one would be passed over.
            is_loose = find_loose_collation(driver, self._query, key_type)
            self._key = 'q.key COLLATE "C"' if is_loose else "q.key"
            with (
                driver.transaction(),
                driver.cursor(name="ringostat_sync_walk", row_factory=row_factory) as cursor,
            ):
                driver.execute("SET LOCAL statement_timeout = 0")
                cursor.execute(statement(after, key_type).encode(), {"after": after})
                while rows := cursor.fetchmany(size):
                    yield rows

    def _set_aside(self, after: str | None, error: psycopg.Error) -> bool:
        """Find the keys that can't be read, by their hashes; False if nothing new was found."""
        before = len(self.aside)
        with connected(self.crm, self.source) as driver:
            key_type = find_key_type(driver, self._query)
            self._divide(driver, after, key_type, (LOWEST, HIGHEST))
        if len(self.aside) > before:
            log.warning("keys_unreadable", source=self.source.name, sqlstate=error.sqlstate, count=len(self.aside))
        return len(self.aside) > before

    def _divide(self, driver: psycopg.Connection[Any], after: str | None, key_type: str, span: Hashes) -> None:
        if self._can_read(driver, after, key_type, span):
            return
        low, high = span
        if high - low <= NARROWEST:
            self.aside.append(span)
            if len(self.aside) > MOST_FAULTS:
                raise MappingBrokenError(
                    f"More than {MOST_FAULTS} rows of source {self.source.name!r} can't be computed:"
                    " run `ringostat-sync check` to see why."
                )
            return
        middle = (low + high) // 2
        self._divide(driver, after, key_type, (low, middle))
        self._divide(driver, after, key_type, (middle + 1, high))

    def _can_read(self, driver: psycopg.Connection[Any], after: str | None, key_type: str, span: Hashes) -> bool:
        low, high = span
        statement = (
            f"SELECT count(k.key) FROM (SELECT q.key AS key FROM (\n{self._query}\n) AS q"
            f" WHERE {self._conditions(after, key_type)}"
            f" AND hashtextextended(q.key::text, 0) BETWEEN {low} AND {high} OFFSET 0) AS k"
        )
        try:
            with driver.transaction():
                driver.execute("SET LOCAL statement_timeout = 0")
                driver.execute(statement.encode(), {"after": after})
        except psycopg.Error as error:
            if is_in_a_row(error):
                return False
            raise
        return True

    def told(self, error: psycopg.Error) -> SyncError:
        """What is at fault: the query, or the CRM."""
        return broken_or_unavailable(self.source, error)


def grouped(rows: list[dict[str, Any]]) -> Chunk:
    """Rows in the order of their keys, by key."""
    return {key: Found(key, tuple(same)) for key, same in groupby(rows, itemgetter(ROW_KEY))}
