"""Depart: when a request may leave, by its project's rate limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from worker.config.model import Project
from worker.limiter.bucket import Later, Limiter, lateness

PREPARATION = 0.03
"""Seconds between a grant and its request in a crowd: preparing takes now more, now less, and the receiver counts arrivals."""


@dataclass(frozen=True, slots=True)
class Departure:
    """When a request may leave: monotonic seconds."""

    earliest: float
    latest: float


def wait_for_departure(
    limiter: Limiter, project: Project, patience: float, sleep: Callable[[float], None]
) -> Departure | Later:
    """Wait for a grant at most `patience` seconds; Later where none comes so soon. Raises LimiterUnavailableError."""
    while True:
        grant = limiter.take(project, patience)
        if isinstance(grant, Later):
            return grant
        earliest = time.monotonic() + grant.wait + (PREPARATION if grant.crowded else 0.0)
        departure = Departure(earliest, earliest + lateness(project.rate))
        if grant.wait <= 0:
            return departure
        sleep(grant.wait)
        if limiter.confirm(project, grant):
            return departure
