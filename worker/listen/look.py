"""Look: which projects have something to collect."""

from __future__ import annotations

from sqlalchemy import Connection

from worker.config.model import Mapping
from worker.database.sql import sql


def look(connection: Connection, mapping: Mapping) -> set[int]:
    """The projects for which a round of collection has something to do now.

    Changes are ingested always, and a probe in the middle of a split goes on; for the rest a paused project has nothing to do
    until its probe is due. Rows of a routed source are fanned out also then, as they stand for contacts of other projects too.
    """
    rows = connection.execute(sql(__package__, "look")).all()
    paused = {row.project for row in rows if row.paused}
    broken = {row.project for row in rows if row.broken}
    found: set[int] = set()
    for row in rows:
        if row.paused:
            continue
        source = mapping.sources.get(row.source)
        project = source.project if source else row.project
        waiting = broken if source and source.routed else paused
        if project in mapping.projects and (row.even_paused or project not in waiting):
            found.add(project)
    return found
