"""Health: what should happen and does not. Cheap: it counts no backlog and reads no row of the CRM."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection

from worker.broker.client import problem
from worker.capture.states import MENDED_BY_INSTALL, State, WatchStatus
from worker.config.model import Mapping
from worker.database.sql import sql
from worker.operate.drift import problems_of_drift, read_drift
from worker.operate.parts import Part, problems_of_parts, read_parts
from worker.operate.problem import Problem
from worker.operate.times import iso
from worker.upkeep.incidents import open_incidents

PARTLY_CAUGHT = {State.REBUILT, State.OTHER_STATE, State.PARTITIONS, State.CHILDREN}
INSTALL = "ringostat-sync capture install"
PATIENCE = 60.0
"""Seconds for which a change may wait before that is a problem, beside what the rate explains."""


def find_problems(connection: Connection, mapping: Mapping, capture: list[WatchStatus]) -> list[Problem]:
    """Every problem that PostgreSQL can tell of. `capture`: how the watches are."""
    return [
        *problems_of_parts(read_parts(connection)),
        *problems_of_capture(capture),
        *_pauses(connection),
        *_stuck(connection, mapping),
        *_uncollected(connection, mapping),
        *_incidents(connection),
        *problems_of_drift(read_drift(connection, mapping)),
    ]


def problems_of_role(parts: list[Part], role: str, host: str) -> list[Problem]:
    """What is wrong with this host's process of a role, for a container's health check."""
    ours = [part for part in parts if part.role == role and part.name.rpartition(":")[0] == host]
    if not any(part.lives for part in ours):
        return [Problem(f"missing:{role}", f"No {role} of this host has been seen for 30 s.")]
    return [problem for problem in problems_of_parts(ours) if problem.key.startswith(f"stuck:{role}")]


def problem_of_redis(redis: Redis) -> list[Problem]:
    """Whether Redis answers as it should."""
    try:
        redis.ping()
    except RedisError as error:
        return [Problem("redis", f"{problem(error).removesuffix('.')}: nothing is sent until it is well.")]
    return []


def problems_of_capture(capture: list[WatchStatus]) -> Iterator[Problem]:
    """Watches that catch no change, or have missed some."""
    for watch in capture:
        if watch.state is not State.OK:
            what = "may have been missed" if watch.state in PARTLY_CAUGHT else "are not captured"
            told = f"Changes of {watch.table} {what} for source {watch.source!r} ({watch.state}): {_mend(watch)}"
            yield Problem(f"capture:{watch.source}:{watch.table}", told)


def _mend(watch: WatchStatus) -> str:
    """What happened, and what to do about it."""
    if watch.state not in MENDED_BY_INSTALL:
        return watch.detail
    return f"{watch.detail} Run `{INSTALL}`." if watch.detail else f"run `{INSTALL}`."


def _pauses(connection: Connection) -> Iterator[Problem]:
    for row in connection.execute(sql(__package__, "paused_projects")):
        which = f"Project {row.project}" if row.method is None else f"The {row.method} of project {row.project}"
        until = f" until {iso(_whole(row.until))}" if row.until else ""
        yield Problem(
            f"paused:{row.project}:{row.reason}",
            f"{which} {_are(row.method)} paused{until}, {row.reason}: {row.detail}",
        )


def _are(method: str | None) -> str:
    return "is" if method is None else "are"


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _stuck(connection: Connection, mapping: Mapping) -> Iterator[Problem]:
    lanes = sorted(mapping.lanes())
    rates = {number: project.rate for number, project in mapping.projects.items()}
    values = {
        "projects": [project for project, _ in lanes],
        "methods": [method.value for _, method in lanes],
        "patience": [PATIENCE + _explained(rates[project].count, rates[project].period) for project, _ in lanes],
    }
    for row in connection.execute(sql(__package__, "stuck_lanes"), values):
        told = (
            f"{row.method.capitalize()} of project {row.project} have waited for {row.waits_s:.0f} s and none is sent:"
            " see that a worker runs and that Redis answers."
        )
        yield Problem(f"waiting:{row.project}:{row.method}", told)


def _explained(count: int, period: float) -> float:
    """Seconds for which a rate may let nothing out: a slow one has used up its period."""
    return 0.0 if period <= 1.0 else period * (1.0 if count < 60 else 60.0 / count)


def _incidents(connection: Connection) -> Iterator[Problem]:
    for incident in open_incidents(connection):
        yield Problem(f"incident:{incident.kind}", incident.problem)


def _and_check(mapping: Mapping, source: str) -> str:
    """A routed source's changes also wait while its query fails."""
    return " and that `ringostat-sync check` is content" if mapping.sources[source].routed else ""


def _uncollected(connection: Connection, mapping: Mapping) -> Iterator[Problem]:
    for row in connection.execute(sql(__package__, "uncollected"), {"patience": PATIENCE}):
        if row.source in mapping.sources:
            told = (
                f"Changes of source {row.source!r} have waited for {row.waits_s:.0f} s and are not collected:"
                f" see that a worker runs{_and_check(mapping, row.source)}."
            )
            yield Problem(f"uncollected:{row.source}", told)
        else:
            told = f"Changes of source {row.source!r} wait, and the mapping has no such source: put it back, or rename it there."
            yield Problem(f"unknown_source:{row.source}", told)
