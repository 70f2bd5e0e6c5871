"""Fan-out: a changed row that stands for many contacts becomes those contacts, in chunks, outside the CRM's transaction.

If it can't be found out which they are, all contacts of the source are read anew, behind live changes; only what changed is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog
from sqlalchemy import Engine, Row

from models import PauseReason
from worker.backfill.backfill import EVERYBODY, Backfill
from worker.capture.fan_out_keys import column_types, fan_out_sql
from worker.config.model import Mapping, Source
from worker.config.policy import Policy
from worker.database.locks import kept
from worker.database.rows import numbers, rows
from worker.database.sql import sql
from worker.errors import MappingBrokenError, ReplicaUnavailableError, SyncError
from worker.failpoints import Failpoint, hit
from worker.projects import pauses
from worker.projects.routes import Routes
from worker.read.faults import broken_or_unavailable, is_in_a_row, named
from worker.read.reader import connected

log = structlog.get_logger()

CHUNK = 5_000
NOTHING_CAPTURED = "null"
"""What a trigger writes that finds neither its columns nor their names."""


class FanOutError(SyncError):
    """Whose row this is can't be found out: not captured, or it fails in `keys`, by its values or as `keys` is no longer the mapping's."""


@dataclass(slots=True)
class FanOut:
    """Works on what waits in `fan_outs`, one process at a time per project."""

    engine: Engine
    crm: Engine
    mapping: Mapping
    policy: Policy
    routes: Routes

    def run(self, project: int) -> int:
        """Fan out all that waits for a project; returns how many changed rows. A broken `keys` SELECT pauses the project."""
        with kept(self.engine, f"fan-out {project}") as is_ours:
            return self._run_all(project) if is_ours else 0

    def _run_all(self, project: int) -> int:
        done = 0
        names = [source.name for source in self.mapping.sources.values() if source.project == project]
        while (row := self._next(names)) is not None:
            source = self.mapping.sources[row.source]
            try:
                self._fan_out_or_read_all(source, row)
            except ReplicaUnavailableError as error:
                log.warning("replica_unavailable", project=project, problem=str(error))
                return done
            except MappingBrokenError as error:
                self._pause(project, str(error))
                return done
            done += 1
        return done

    def _next(self, sources: list[str]) -> Row[Any] | None:
        with self.engine.connect() as connection:
            return connection.execute(sql(__package__, "next_fan_out"), {"sources": sources}).one_or_none()

    def _fan_out_or_read_all(self, source: Source, row: Row[Any]) -> None:
        try:
            self._fan_out(source, row)
        except FanOutError as error:
            log.warning("read_as_a_whole", project=source.project, source=source.name, problem=str(error))
            self._read_as_a_whole(source)

    def _fan_out(self, source: Source, row: Row[Any]) -> None:
        if row.changed == NOTHING_CAPTURED or row.keys is None:
            raise FanOutError(f"Watch {row.watch} could not capture it, or is not known any more.")
        found = 0
        for keys in self._keys(source, row):
            named = self.routes.named(source, keys)
            values: dict[str, Any] = {
                "method": source.method,
                "identity": source.identity,
                "source": source.name,
                "outbox_id": row.outbox_id,
                "captured_at": row.captured_at,
            }
            with self.engine.begin() as connection:
                going = self.routes.destinations(connection, source, keys, named)
                values["destinations"] = rows(("key", "project"), going)
                connection.execute(sql(__package__, "fan_out"), values)
            found += len(keys)
            hit(Failpoint.FANNED_OUT)
        self._done(source, [row.outbox_id])
        log.info("fanned_out", project=source.project, source=source.name, outbox_id=row.outbox_id, contacts=found)

    def _keys(self, source: Source, row: Row[Any]) -> Iterator[list[str]]:
        """The contacts' keys, a chunk at a time, through a cursor on the server."""
        with connected(self.crm, source) as driver:
            try:
                statement = fan_out_sql(row.table_name, row.keys, column_types(driver, row.table_name, row.keys))
                with driver.transaction(), driver.cursor(name="ringostat_sync_fan_out") as cursor:
                    cursor.execute(statement, {"changed": row.changed})
                    while chunk := cursor.fetchmany(CHUNK):
                        yield [str(key) for (key,) in chunk if key is not None]
            except psycopg.Error as error:
                if is_in_a_row(error):
                    raise FanOutError(f"Its values fail in `keys` ({named(error)}).") from error
                problem = broken_or_unavailable(source, error, "A `keys` SELECT")
                if isinstance(problem, MappingBrokenError) and row.keys not in {watch.keys for watch in source.watches}:
                    raise FanOutError(
                        f"Its `keys` is no longer the mapping's, and fails ({error.sqlstate})."
                    ) from error
                raise problem from error

    def _read_as_a_whole(self, source: Source) -> None:
        """Put every key of the source behind live changes, which stands for all rows of it that wait now."""
        with self.engine.connect() as connection:
            waiting = connection.execute(sql(__package__, "waiting_fan_outs"), {"source": source.name}).scalars().all()
        everybody = Backfill(self.engine, self.crm, self.mapping, source, where=EVERYBODY)
        everybody.begin_anew()  # what an earlier one has put in was read before some of these rows came
        for _ in everybody.run():
            pass
        self._done(source, waiting)

    def _done(self, source: Source, outbox_ids: Sequence[int]) -> None:
        with self.engine.begin() as connection:
            connection.execute(
                sql(__package__, "end_fan_out"), {"source": source.name, "outbox_ids": numbers(outbox_ids)}
            )

    def _pause(self, project: int, problem: str) -> None:
        log.error("mapping_broken", project=project, problem=problem)
        with self.engine.begin() as connection:
            reason = PauseReason.MAPPING_BROKEN
            pauses.pause_for(connection, project, reason, problem, self.policy, even_running=False)
