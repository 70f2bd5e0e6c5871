"""Poll: a replica that can't take triggers is read as a whole now and then; what is unchanged is not sent again."""

from __future__ import annotations

import structlog
from sqlalchemy import Engine

from worker.backfill.backfill import Backfill
from worker.config.model import Mapping, Source
from worker.database.sql import sql
from worker.errors import SyncError

log = structlog.get_logger()


def poll(engine: Engine, crm: Engine, mapping: Mapping) -> int:
    """Put every key of every source behind live changes; returns how many. A source still at its last poll is left alone.

    One that can't be read is told to the log, and holds up no other.
    """
    found = 0
    for source in mapping.sources.values():
        try:
            if not _is_behind(engine, source):
                found += max(Backfill(engine, crm, source).run(), default=0)
        except SyncError as error:
            log.error("poll_failed", source=source.name, project=source.project, problem=str(error))  # noqa: TRY400 - the problem says it all
    return found


def _is_behind(engine: Engine, source: Source) -> bool:
    values = {"project": source.project, "method": source.method, "source": source.name}
    with engine.connect() as connection:
        return bool(connection.execute(sql(__package__, "is_behind"), values).scalar_one())
