"""Poll: a replica that can't take triggers is read as a whole now and then; what is unchanged is not sent again."""

from __future__ import annotations

from sqlalchemy import Engine

from worker.backfill.backfill import Backfill
from worker.config.model import Mapping
from worker.database.sql import sql


def poll(engine: Engine, crm: Engine, mapping: Mapping) -> int:
    """Put every key of every source behind live changes; returns how many. A source still at its last poll is left alone."""
    found = 0
    for source in mapping.sources.values():
        values = {"project": source.project, "method": source.method, "source": source.name}
        with engine.connect() as connection:
            is_behind = connection.execute(sql(__package__, "is_behind"), values).scalar_one()
        if not is_behind:
            found += max(Backfill(engine, crm, source).run(), default=0)
    return found
