"""The health of a project's API: failures in a row, and when they make a pause."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from worker.database.sql import sql

FAILURES = 5
"""So many failures of the service in a row …"""
SPAN = 10.0
"""… over at least so many seconds, and the project pauses (`api_down`)."""


@dataclass(frozen=True, slots=True)
class Streak:
    """Failures in a row, and seconds since the first of them."""

    failures: int
    seconds: float

    @property
    def is_down(self) -> bool:
        return self.failures >= FAILURES and self.seconds >= SPAN


def failed(connection: Connection, project: int) -> Streak:
    """Count one more failure of the service."""
    row = connection.execute(sql(__package__, "failed"), {"project": project}).one()
    return Streak(row.failures, row.seconds)


def answered(connection: Connection, project: int) -> None:
    """The service answered: the streak is over. Writes only where there was one."""
    connection.execute(sql(__package__, "answered"), {"project": project})


def accepted(connection: Connection, project: int) -> None:
    """The service accepted: a row of refusals is over as well. Writes only where there was one."""
    connection.execute(sql(__package__, "accepted"), {"project": project})


def refused(connection: Connection, project: int) -> int:
    """Count one more refused single of a narrow batch; returns how many in a row, with nothing accepted between."""
    return int(connection.execute(sql(__package__, "refused"), {"project": project}).scalar_one())


def throttled(connection: Connection, project: int) -> int:
    """Count one more 429 since the API last answered otherwise than by failing; returns how many."""
    return int(connection.execute(sql(__package__, "throttled"), {"project": project}).scalar_one())


def hold_back(connection: Connection, project: int, seconds: float) -> None:
    """Remember until when the API asked us to hold back, for a bucket that Redis has lost."""
    connection.execute(sql(__package__, "hold_back"), {"project": project, "seconds": seconds})
