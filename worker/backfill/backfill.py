"""Backfill: every contact of a source waits to be sent, behind live changes; put there in chunks, resumed where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Engine

from worker.config.model import Source
from worker.config.query import clean_condition, clean_query
from worker.database.sql import sql
from worker.points import Point, reach
from worker.reading.plan import find_key_type
from worker.reading.reader import broken_or_unavailable

CHUNK = 5_000


@dataclass(slots=True)
class Backfill:
    """A backfill of `source`, of the keys for which `where` holds (SQL over the query's columns); `forced` sends the unchanged too."""

    engine: Engine
    crm: Engine
    source: Source
    where: str = ""
    forced: bool = False

    def count(self) -> int:
        """How many keys there are in all. Raises MappingBrokenError where the query or the condition fails."""
        return next(self._read(f"SELECT count(*) FROM ({self._keys()}) AS k", {}))[0][0]  # type: ignore[no-any-return]

    def run(self) -> Iterator[int]:
        """Let the contacts wait; yields how many do after each chunk, counted from the start of the whole backfill."""
        done, after = self._begin()
        yield done
        for chunk in self._read(*self._after(after)):
            keys = [str(key) for (key,) in chunk]
            done += len(keys)
            self._wait(keys, done)
            reach(Point.FILLED)
            yield done
        with self.engine.begin() as connection:
            connection.execute(sql(__package__, "end"), self._name)

    @property
    def _name(self) -> dict[str, Any]:
        return {"source": self.source.name, "condition": self.where, "forced": self.forced}

    def _keys(self) -> str:
        condition = f" AND (\n{clean_condition(self.where)})" if self.where else ""
        return f"SELECT q.key AS key FROM (\n{clean_query(self.source.query)}\n) AS q WHERE q.key IS NOT NULL{condition}".replace(
            "%", "%%"
        )

    def _after(self, after: str | None) -> tuple[str, dict[str, Any]]:
        keys = f"SELECT k.key::text FROM ({self._keys()}) AS k"
        if after is None:
            return f"{keys} ORDER BY k.key", {}
        with self.crm.connect() as connection:
            driver: Any = connection.connection.driver_connection
            key_type = find_key_type(driver, clean_query(self.source.query).replace("%", "%%"))
        return f"{keys} WHERE k.key > CAST(%(after)s AS {key_type}) ORDER BY k.key", {"after": after}

    def _begin(self) -> tuple[int, str | None]:
        with self.engine.begin() as connection:
            row = connection.execute(sql(__package__, "begin"), self._name).one()
            return row.done, row.after_key

    def _wait(self, keys: list[str], done: int) -> None:
        """The keys and the progress in one transaction, so that a resumed backfill neither skips nor repeats a chunk."""
        lane = {
            "project": self.source.project,
            "method": self.source.method,
            "identity": self.source.identity,
        }
        with self.engine.begin() as connection:
            values = {**lane, **self._name, "keys": keys, "done": done}
            connection.execute(sql(__package__, "wait"), values)
            connection.execute(sql(__package__, "advance"), {**self._name, "after_key": keys[-1], "done": done})

    def _read(self, statement: str, values: dict[str, Any]) -> Iterator[list[Any]]:
        """Rows by chunks through a cursor on the server: memory stays flat, however many there are."""
        with self.crm.connect() as connection:
            driver: Any = connection.connection.driver_connection
            try:
                with driver.transaction(), driver.cursor(name="ringostat_sync_backfill") as cursor:
                    driver.execute("SET LOCAL statement_timeout = 0")
                    cursor.execute(statement, values)
                    while chunk := cursor.fetchmany(CHUNK):
                        yield chunk
            except psycopg.Error as error:
                raise broken_or_unavailable(self.source, error) from error
