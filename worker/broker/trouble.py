"""Trouble with a server: told once, and again each minute while it lasts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

log = structlog.get_logger()

TELL_AGAIN = 60.0
"""Seconds after which the same trouble is told once more."""


@dataclass(slots=True)
class Trouble:
    """Writes a line to the log under the name `event`. `clock` is monotonic, in seconds."""

    event: str
    clock: Callable[[], float] = time.monotonic
    _told: str = ""
    _at: float = 0.0

    def tell(self, problem: str) -> None:
        """Say what is wrong, unless that was said less than a minute ago."""
        if problem != self._told or self.clock() - self._at >= TELL_AGAIN:
            log.warning(self.event, problem=problem)
            self._told, self._at = problem, self.clock()
