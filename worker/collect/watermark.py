"""Where a scan may start: after rows that are gone, but that an old snapshot elsewhere keeps in the index. Pure."""

from __future__ import annotations

from dataclasses import dataclass

LOWEST = -(2**63)
GRACE = 2.0
"""Seconds for which a row's id counts as new: ids precede commits, so a lower one may still appear after a higher one."""
SWEEP = 1.0
"""Seconds between two scans from the beginning, which find whatever appeared below the watermark."""
SHARE = 0.05
"""At most this share of the time goes into such scans; they come less often if dead rows make them slow."""


@dataclass(slots=True)
class Watermark:
    """The first id that a scan found at least `GRACE` seconds ago. `now` is monotonic, in seconds."""

    _sure: int = LOWEST
    _next: int = LOWEST
    _noted: float = 0.0
    _sweeps: float | None = None
    _next_sweep: float = float("-inf")

    def start(self, now: float) -> int:
        """From which id on to scan now; from the beginning once every `SWEEP` seconds, or less often."""
        is_sweep = now >= self._next_sweep
        self._sweeps = now if is_sweep else None
        if is_sweep:
            self._next_sweep = now + SWEEP
        return LOWEST if is_sweep else self._sure

    def note(self, first: int | None, now: float) -> None:
        """A scan is over. `first`: the lowest row that it found; None if there was none, or it only looked whether there is one."""
        if self._sweeps is not None:
            self._next_sweep = max(self._next_sweep, now + (now - self._sweeps) / SHARE)
            self._sweeps = None
        if first is not None and now - self._noted >= GRACE:
            self._sure, self._next, self._noted = self._next, first, now
