"""Where a scan may start: after rows that are gone, but that an old snapshot elsewhere keeps in the index. Pure."""

from __future__ import annotations

from dataclasses import dataclass

LOWEST = -(2**63)
GRACE = 2.0
"""Seconds for which a row's id counts as new: ids precede commits, so a lower one may still appear after a higher one."""
SWEEP = 1.0
"""Seconds between two scans from the beginning, which find whatever appeared below the watermark."""


@dataclass(slots=True)
class Watermark:
    """The first id that a scan found at least `GRACE` seconds ago. `now` is monotonic, in seconds."""

    _sure: int = LOWEST
    _next: int = LOWEST
    _noted: float = 0.0
    _swept: float = float("-inf")

    def start(self, now: float) -> int:
        """From which id on to scan now; from the beginning once every `SWEEP` seconds."""
        if now - self._swept >= SWEEP:
            self._swept = now
            return LOWEST
        return self._sure

    def note(self, first: int, now: float) -> None:
        """A scan has found nothing below `first`."""
        if now - self._noted >= GRACE:
            self._sure, self._next, self._noted = self._next, first, now
