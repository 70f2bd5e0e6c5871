"""Gone: contacts that were accepted once and that no source returns any more. Two streams of keys, merged."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any

import psycopg

from worker.config.model import Source
from worker.database.sql import sql
from worker.read.projects import project_of
from worker.read.walk import Walk
from worker.reconcile.compare import Compared, Comparison, Kind, stored

DELIVERED = 5_000
"""Deliveries of a chunk."""
CANDIDATES = 500
"""Contacts that are looked for once more before they count as gone."""


Contact = tuple[str, int]
"""A key and the project whose contact it is."""


@dataclass(slots=True)
class Gone:
    """Finds contacts of a source that are gone."""

    comparison: Comparison
    walk: Walk

    def find(self) -> Iterator[Compared]:
        """They, in chunks, all of them known. One that waits is left alone, and one that was accepted from another source is that one's."""
        mine = (row for row in missing(self._delivered(), self._returned()) if self._is_mine(*row))
        while found := list(islice(mine, CANDIDATES)):
            gone = [
                (key, project, Kind.GONE)
                for project, keys in by_project(found).items()
                for key in self._gone(project, keys)
            ]
            if gone:
                yield Compared(gone, len(gone))

    def _gone(self, project: int, keys: list[str]) -> list[str]:
        """Those that no source returns. The streams were read at different moments, and a key may be spelt in two ways."""
        comparison = self.comparison.of(project)
        for source in comparison.alike:
            returned = comparison.returned_by(source, keys, exactly=False)
            keys = [key for key in keys if key not in returned]
        return self._idle(comparison, keys) if keys else []

    def _is_mine(self, contact: Contact, source: str | None) -> bool:
        sources = [each.name for each in self.comparison.of(contact[1]).alike]
        owner = source if source in sources else sources[0]
        return owner == self.comparison.source.name

    def _returned(self) -> Iterator[Contact]:
        """The contacts that any of the sources returns that are one."""
        mapping, mine = self.comparison.mapping, self.comparison.source
        alike = [
            source
            for source in mapping.sources.values()
            if (source.method, source.identity) == (mine.method, mine.identity)
            and (source.routed or mine.routed or source.project == mine.project)
        ]
        return heapq.merge(*(self._returned_by(source) for source in alike))

    def _returned_by(self, source: Source) -> Iterator[Contact]:
        walk = self.walk if source.name == self.comparison.source.name else Walk(self.walk.crm, source)
        rows = chain.from_iterable(walk.sorted_keys())
        for key, same in groupby(rows, itemgetter(0)):
            projects = {project_of(self.comparison.mapping, source, {"projectId": project}) for _, project in same}
            yield from ((stored(key), project) for project in sorted(projects))

    def _delivered(self) -> Iterator[tuple[Contact, str | None]]:
        """Kept by the server beyond its transaction: a snapshot that stayed open would slow down all that waits."""
        with self.comparison.engine.connect() as connection:
            driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
            with driver.cursor(name="ringostat_sync_delivered", withhold=True) as cursor:
                driver.execute("SET LOCAL statement_timeout = 0")
                projects = self.comparison.mapping.projects_of(self.comparison.source)
                cursor.execute(statement(), {**self.comparison.contacts, "projects": projects})
                driver.commit()
                while rows := cursor.fetchmany(DELIVERED):
                    driver.commit()
                    yield from (((key, project), source) for key, project, source in rows)
            driver.commit()

    def _idle(self, comparison: Comparison, keys: Sequence[str]) -> list[str]:
        """Those that are not on their way already."""
        with comparison.engine.connect() as connection:
            values = {**comparison.contacts, "keys": list(keys)}
            return list(connection.execute(sql(__package__, "idle"), values).scalars())


def statement() -> bytes:
    """The deliveries, for a cursor of psycopg's own."""
    return (files(__package__) / "delivered.sql").read_bytes()


def by_project(contacts: Iterable[tuple[Contact, str | None]]) -> dict[int, list[str]]:
    """The keys of each project."""
    parts: dict[int, list[str]] = {}
    for (key, project), _ in contacts:
        parts.setdefault(project, []).append(key)
    return parts


def missing(
    delivered: Iterable[tuple[Contact, str | None]], returned: Iterable[Contact]
) -> Iterator[tuple[Contact, str | None]]:
    """What of `delivered` is not in `returned`; both in the order of their keys' bytes, which is that of characters, and of projects."""
    contacts = iter(returned)
    contact = next(contacts, None)
    for row in delivered:
        while contact is not None and contact < row[0]:
            contact = next(contacts, None)
        if contact != row[0]:
            yield row
