"""The health of a project's API: what it has answered in a row, and for how long."""

from __future__ import annotations

from sqlalchemy import Connection

from worker.database.sql import sql
from worker.projects.streaks import NO_STREAK, Streak, Streaks


def prolong(connection: Connection, project: int, streak: Streaks) -> Streak:
    """Count one more of this kind; returns how long its streak is now."""
    if streak is Streaks.NONE:
        return NO_STREAK
    counted = {"failures": Streaks.FAILED, "throttles": Streaks.THROTTLED, "refusals": Streaks.REFUSED}
    one_more = {name: int(streak is kind) for name, kind in counted.items()}
    row = connection.execute(sql(__package__, "prolong_streak"), {"project": project, **one_more}).one()
    count = next(getattr(row, name) for name, kind in counted.items() if streak is kind)
    return Streak(count, row.failing_for if streak is Streaks.FAILED else 0.0)


def end(connection: Connection, project: int, streaks: Streaks) -> None:
    """These streaks are over. Writes only if there was one."""
    if streaks is not Streaks.NONE:
        kinds = {
            "failures": Streaks.FAILED in streaks,
            "throttles": Streaks.THROTTLED in streaks,
            "refusals": Streaks.REFUSED in streaks,
        }
        connection.execute(sql(__package__, "end_streaks"), {"project": project, **kinds})


def throttle(connection: Connection, project: int, seconds: float) -> None:
    """Remember until when the API asked us to wait, for a bucket that Redis has lost."""
    connection.execute(sql(__package__, "throttle"), {"project": project, "seconds": seconds})
