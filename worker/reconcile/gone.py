"""Gone: contacts that were accepted once and that no source returns any more. Two streams of keys, merged."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import chain, islice
from typing import Any

import psycopg

from worker.database.sql import sql
from worker.read.walk import Walk
from worker.reconcile.compare import Comparison, alike, returned_by, stored

DELIVERED = 5_000
"""Deliveries of a chunk."""
CANDIDATES = 500
"""Contacts that are looked for once more before they count as gone."""


@dataclass(slots=True)
class Gone:
    """Finds contacts of a source that are gone."""

    comparison: Comparison
    walk: Walk

    def find(self) -> Iterator[list[str]]:
        """Their keys, in chunks. A contact that waits is left alone, and one that was accepted from another source is that one's."""
        mine = (key for key, source in missing(self._delivered(), self._returned()) if self._is_mine(source))
        while keys := list(islice(mine, CANDIDATES)):
            # The streams were read at different moments, and a key may be spelt in two ways.
            for source in alike(self.comparison.mapping, self.comparison.source):
                returned = returned_by(self.comparison.reader, source, keys, exactly=False)
                keys = [key for key in keys if key not in returned]
            if keys := self._idle(keys):
                yield keys

    def _is_mine(self, source: str | None) -> bool:
        sources = [each.name for each in alike(self.comparison.mapping, self.comparison.source)]
        owner = source if source in sources else sources[0]
        return owner == self.comparison.source.name

    def _returned(self) -> Iterator[str]:
        """The keys that any of the sources returns that are one."""
        walks = [
            self.walk if source.name == self.comparison.source.name else Walk(self.walk.crm, source)
            for source in alike(self.comparison.mapping, self.comparison.source)
        ]
        return heapq.merge(*(map(stored, chain.from_iterable(walk.sorted_keys())) for walk in walks))

    def _delivered(self) -> Iterator[tuple[str, str | None]]:
        """Kept by the server beyond its transaction: a snapshot that stayed open would slow down all that waits."""
        with self.comparison.engine.connect() as connection:
            driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
            with driver.cursor(name="ringostat_sync_delivered", withhold=True) as cursor:
                driver.execute("SET LOCAL statement_timeout = 0")
                cursor.execute(statement(), self.comparison.contacts)
                driver.commit()
                while rows := cursor.fetchmany(DELIVERED):
                    driver.commit()
                    yield from rows
            driver.commit()

    def _idle(self, keys: Sequence[str]) -> list[str]:
        """Those that are not on their way already."""
        with self.comparison.engine.connect() as connection:
            values = {**self.comparison.contacts, "keys": list(keys)}
            return list(connection.execute(sql(__package__, "idle"), values).scalars())


def statement() -> bytes:
    """The deliveries, for a cursor of psycopg's own."""
    return (files(__package__) / "delivered.sql").read_bytes()


def missing(delivered: Iterable[tuple[str, str | None]], returned: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """What of `delivered` is not in `returned`; both in the order of their keys' bytes, which is that of their characters."""
    keys = iter(returned)
    key = next(keys, None)
    for row in delivered:
        while key is not None and key < row[0]:
            key = next(keys, None)
        if key != row[0]:
            yield row
