"""Routes: which projects a key of a routed source goes to, and which had it before, so that a contact that moves ends in the old one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Mapping as ByKey
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from worker.config.model import Mapping, Source
from worker.config.query import clean_query
from worker.database.rows import rows
from worker.database.sql import sql
from worker.read.projects import project_of
from worker.read.reader import Found, Reader

Projects = ByKey[str, Collection[int]]
"""The projects of each key."""


@dataclass(slots=True)
class Routes:
    """Routes the keys of a source. Those of one that is not routed all go to its project, and nothing is read or kept of them.

    `reader` is its own: it reads no more of a row than its project.
    """

    reader: Reader
    mapping: Mapping

    def named(self, source: Source, keys: Sequence[str]) -> Projects:
        """The projects that the rows of `keys` name now: none of a key without a row. One whose row can't be computed is left out.

        Raises MappingBrokenError if the query fails, ReplicaUnavailableError if the CRM does not answer.
        """
        if not source.routed or not keys:
            return {}
        found = self.reader.read(names_alone(source), keys)
        return {
            key: {project_of(self.mapping, source, row) for row in read.rows}
            for key, read in found.items()
            if isinstance(read, Found)
        }

    def of_payload(self, source: Source, written: str | None) -> int:
        """The project that a payload's "projectId" names."""
        return project_of(self.mapping, source, {"projectId": written})

    def destinations(
        self, connection: Connection, source: Source, keys: Sequence[str], named: Projects, *, newest: bool = False
    ) -> list[tuple[str, int]]:
        """Each key with each project in which it is to wait: those that it names, and those that had it; without any, the source's.

        They are kept. `newest`: `named` is the last that is known of the keys, and a project that it does not name is forgotten.
        """
        if not source.routed:
            return [(key, source.project) for key in keys]
        had = routes_of(connection, source, keys)
        going = [(key, project) for key in keys for project in named.get(key, ())]
        routed = list(dict.fromkeys(going + had))
        keep(connection, source, going if newest else routed)
        if newest:
            left = [(key, project) for key, project in had if key in named and project not in named[key]]
            values = {"source": source.name, "left": rows(("key", "project"), left)}
            connection.execute(sql(__package__, "end_routes"), values)
        somewhere = {key for key, _ in routed}
        return routed + [(key, source.project) for key in dict.fromkeys(keys) if key not in somewhere]


def routes_of(connection: Connection, source: Source, keys: Sequence[str]) -> list[tuple[str, int]]:
    """The keys with the projects that have them, as far as we know."""
    values = {"source": source.name, "keys": list(keys)}
    return [(row.key, row.project) for row in connection.execute(sql(__package__, "routes"), values)]


def keep(connection: Connection, source: Source, routed: Collection[tuple[str, int]]) -> None:
    """Remember which projects have keys of a routed source."""
    if source.routed and routed:
        values = {"source": source.name, "routed": rows(("key", "project"), routed)}
        connection.execute(sql(__package__, "keep_routes"), values)


def names_alone(source: Source) -> Source:
    """The source with no more of its rows than their keys and projects."""
    return replace(source, query=f'SELECT q.key, q."projectId" FROM (\n{clean_query(source.query)}) AS q')
