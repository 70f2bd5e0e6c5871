"""The health of the API: what it has answered in a row, and for how long."""

from __future__ import annotations

from sqlalchemy import Connection

from models import Method
from worker.database.sql import sql
from worker.projects.streaks import NO_STREAK, Streak, Streaks


def prolong(connection: Connection, project: int, method: Method, request: int, streak: Streaks) -> Streak:
    """Count one more of this kind; returns how long its streak is now. Failures and refusals are the lane's, 429s the project's.

    `request`: the id of the request that was answered so. 429s of requests that left before the last throttle could be heard of count
    as one with it.
    """
    lane = {"project": project, "method": method}
    match streak:
        case Streaks.NONE:
            return NO_STREAK
        case Streaks.THROTTLED:
            count = connection.execute(
                sql(__package__, "prolong_throttles"), {"project": project, "request": request}
            ).scalar_one()
            return Streak(int(count))
        case _:
            one_more = {"failures": int(streak is Streaks.FAILED), "refusals": int(streak is Streaks.REFUSED)}
            row = connection.execute(sql(__package__, "prolong_streak"), lane | one_more).one()
            if streak is Streaks.REFUSED:
                return Streak(row.refusals)
            return Streak(row.failures, row.failing_for, row.accepted_at)


def end(connection: Connection, project: int, method: Method, streaks: Streaks) -> None:
    """These streaks are over, all of them by an acceptance."""
    if streaks is Streaks.NONE:
        return
    which = {
        "failures": Streaks.FAILED in streaks,
        "throttles": Streaks.THROTTLED in streaks,
        "refusals": Streaks.REFUSED in streaks,
        "accepted": streaks is Streaks.ALL,
    }
    connection.execute(sql(__package__, "end_streaks"), {"project": project, "method": method, **which})


def throttle(connection: Connection, project: int, seconds: float) -> None:
    """Remember until when the API asked us to wait, for a bucket that Redis has lost."""
    connection.execute(sql(__package__, "throttle"), {"project": project, "seconds": seconds})
