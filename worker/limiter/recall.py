"""The times of posting, from which a lost bucket is refilled."""

from __future__ import annotations

from sqlalchemy import Engine, text

from worker.database.sql import sql
from worker.limiter.bucket import Posted

THROTTLED = text(
    "SELECT greatest(0, extract(epoch FROM throttled_until - ringostat_sync.clock()))::float8"
    " FROM ringostat_sync.service_health WHERE project = :project"
)


def recall(engine: Engine, project: int, period: float, limit: int) -> Posted:
    """What PostgreSQL knows of a project's last `period` seconds, at most `limit` requests, oldest first."""
    with engine.connect() as connection:
        ages = connection.scalars(
            sql(__package__, "recall"), {"project": project, "period": period, "limit": limit}
        ).all()
        throttled = connection.scalar(THROTTLED, {"project": project})
    return Posted(ages[::-1], throttled or 0.0)
