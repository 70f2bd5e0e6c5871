"""Poll: a replica that can't take triggers is read as a whole now and then; what is unchanged is not sent again."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from worker.backfill.backfill import Backfill
from worker.config.model import Mapping, Source
from worker.database.place import Place
from worker.database.sql import sql
from worker.errors import ReplicaUnavailableError, SyncError

log = structlog.get_logger()


def is_polled(engine: Engine, place_of_crm: Callable[[], Place]) -> bool:
    """Whether the CRM is read as a whole: it takes no triggers, or is a standby of a database on which none are installed.

    False as well if a server does not answer, which goes to the log: the next time will tell.
    """
    try:
        place = place_of_crm()
        if place is not Place.STANDBY:
            return place is Place.ELSEWHERE
        return not is_watched(engine)
    except (psycopg.Error, DBAPIError, ReplicaUnavailableError) as error:
        log.warning("replica_unavailable", problem=f"DATABASE_URL or CRM_DATABASE_URL fails ({type(error).__name__}).")
        return False


def is_watched(engine: Engine) -> bool:
    """Whether triggers are installed in the outbox's database."""
    with engine.connect() as connection:
        return bool(connection.execute(sql(__package__, "is_watched")).scalar_one())


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
