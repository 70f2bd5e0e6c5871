"""Ingest: rows of the outbox become contacts that wait, the newest per contact, and changed rows that wait to be fanned out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection, Engine

from worker.config.model import Source
from worker.database.engines import at_once
from worker.database.locks import alone, collecting
from worker.database.rows import numbers, rows
from worker.database.sql import sql
from worker.errors import MappingBrokenError, ReplicaUnavailableError
from worker.failpoints import Failpoint, hit
from worker.projects.routes import Projects, Routes

log = structlog.get_logger()

ROWS = 100_000
"""Rows of a transaction."""
ROUTED_ROWS = 2_000
"""The same of a routed source, whose keys are looked up in the CRM before."""
SECONDS = 1.0
"""A round of collection ingests for so long; what is left waits for the next."""
CRM_WAIT = 5.0
"""Seconds after which a routed source is tried again whose keys could not be looked up."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Rows of a routed source that are in the outbox, and the projects that their keys name."""

    ids: list[int]
    keys: list[str]
    named: Projects


@dataclass(slots=True)
class Ingest:
    """Ingests for the collector, under the lock of the source's project and method. `clock` is monotonic."""

    engine: Engine
    routes: Routes
    clock: Callable[[], float] = time.monotonic
    _not_before: dict[str, float] = field(default_factory=dict)

    def run(self, source: Source, start: int, note: Callable[[int | None], None]) -> bool:
        """Ingest what there is from outbox id `start` on; `note` gets the first id of each transaction.

        Returns whether any row stands for many contacts.
        """
        end = self.clock() + SECONDS
        limit = ROUTED_ROWS if source.routed else ROWS
        full, has_fan_outs = True, False
        while full and self.clock() < end:
            arrivals = self._arrivals(source, start, limit) if source.routed else None
            if source.routed and arrivals is None:
                break
            ingested = self._ingest(source, start, limit, arrivals)
            if ingested is None:
                break
            count, first, fan_outs = ingested
            full = count == limit
            has_fan_outs |= fan_outs
            note(first)
        return has_fan_outs

    def _ingest(
        self, source: Source, start: int, limit: int, arrivals: Arrivals | None
    ) -> tuple[int, int | None, bool] | None:
        """One transaction: how many rows, the first of them, and whether any stands for many contacts; None if another process is at it."""
        values: dict[str, object] = {
            "source": source.name,
            "project": source.project,
            "method": source.method,
            "identity": source.identity,
            "watermark": start,
            "limit": limit,
            "ids": None,
            "destinations": "[]",
        }
        with self.engine.begin() as connection:
            if not alone(connection, collecting(source.project, source.method)):
                return None
            if arrivals is not None:
                if not self._are_still_there(connection, source, arrivals):
                    return None
                going = self.routes.destinations(connection, source, arrivals.keys, arrivals.named, newest=True)
                values |= {"ids": numbers(arrivals.ids), "destinations": rows(("key", "project"), going)}
            count, first, fan_outs = connection.execute(sql(__package__, "ingest"), values).one()
            hit(Failpoint.INGESTING)
        return count, first, fan_outs

    def _are_still_there(self, connection: Connection, source: Source, arrivals: Arrivals) -> bool:
        """Whether nobody has ingested any of them since they were looked at: by then the CRM may have named other projects."""
        values = {"source": source.name, "ids": numbers(arrivals.ids)}
        return bool(connection.execute(sql(__package__, "still_there"), values).scalar_one() == len(arrivals.ids))

    def _arrivals(self, source: Source, start: int, limit: int) -> Arrivals | None:
        """What is in the outbox, read before the CRM is, so that the projects are no older than the rows; None if the CRM can't be read."""
        if self.clock() < self._not_before.get(source.name, 0.0):
            return None
        with at_once(self.engine) as connection:
            values = {"source": source.name, "watermark": start, "limit": limit}
            found = connection.execute(sql(__package__, "arrivals"), values).all()
        newest = {row.key: row for row in found if row.is_contact}
        by_payload = {
            key: {self.routes.of_payload(source, row.project)} for key, row in newest.items() if row.is_payload
        }
        try:
            named = self.routes.named(source, [key for key in newest if key not in by_payload])
        except (MappingBrokenError, ReplicaUnavailableError) as error:
            self._not_before[source.name] = self.clock() + CRM_WAIT
            log.error("keys_not_routed", source=source.name, problem=str(error))  # noqa: TRY400 - the problem says it all
            return None
        return Arrivals([row.id for row in found], list(newest), {**named, **by_payload})
