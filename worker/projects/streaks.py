"""What is counted in a row of a project's answers, and when it makes a pause. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Flag, auto

FAILURES = 5
"""So many failures of the service in a row …"""
SPAN = 10.0
"""… over at least so many seconds, and the lane pauses (`api_down`)."""


class Streaks(Flag):
    """What is counted in a row."""

    NONE = 0
    FAILED = auto()
    """Failures of the service; any answer ends them."""
    THROTTLED = auto()
    """429s since the API last answered otherwise than by failing."""
    REFUSED = auto()
    """Refused singles of narrow batches, with nothing accepted between."""

    FAILURES = FAILED | THROTTLED
    """Ended by an answer."""
    ALL = FAILED | THROTTLED | REFUSED
    """Ended by an acceptance."""


@dataclass(frozen=True, slots=True)
class Streak:
    """How many in a row, seconds since the first failure, and when the lane last accepted something (the database's clock)."""

    count: int
    failing_for: float = 0.0
    accepted_at: datetime | None = None

    @property
    def is_down(self) -> bool:
        """Whether so many failures make a pause."""
        return self.count >= FAILURES and self.failing_for >= SPAN


NO_STREAK = Streak(0)
