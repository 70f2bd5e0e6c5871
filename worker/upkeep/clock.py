"""The clock of PostgreSQL: if it is set back, nothing waits until it has caught up."""

from __future__ import annotations

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from worker.database.locks import alone
from worker.database.sql import sql

log = structlog.get_logger()

TOLERANCE = 2.0
"""Seconds by which a clock may be set back without a word."""
IMPATIENT = text("SET LOCAL lock_timeout = '200ms'")
"""Pushes lock the same rows in another order. Who looks after the clock gives way, and comes again."""


def follow_clock(engine: Engine) -> float:
    """Note the clock, and follow one that was set back; returns by how many seconds it was (0 if it was not, or is left to the next)."""
    try:
        with engine.begin() as connection:
            if not alone(connection, "clock"):
                return 0.0
            connection.execute(IMPATIENT)
            seconds = float(connection.execute(sql(__package__, "see_clock")).scalar_one())
            if seconds < TOLERANCE:
                return 0.0
            connection.execute(sql(__package__, "set_back"), {"seconds": seconds})
    except DBAPIError as error:
        log.warning("clock_not_followed", sqlstate=getattr(error.orig, "sqlstate", None))
        return 0.0
    log.warning(
        "clock_set_back", seconds=round(seconds, 1), problem="DATABASE_URL: the clock of PostgreSQL was set back."
    )
    return seconds
