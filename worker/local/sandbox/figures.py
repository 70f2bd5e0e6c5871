"""Counters of the last minute, one a second. Pure: the clock is a parameter."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

SPAN = 60


class Second(msgspec.Struct):
    """What arrived within one second. `tick` is that second of the clock."""

    tick: int
    requests: int = 0
    entries: int = 0
    errors: int = 0


class LastMinute:
    """Counts of the last `SPAN` seconds. Not thread-safe: the journal locks."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seconds: deque[Second] = deque(maxlen=SPAN)

    def request(self, entries: int) -> None:
        """One more request, of so many entries."""
        second = self._now()
        second.requests += 1
        second.entries += entries

    def error(self) -> None:
        """One more request of which nothing was accepted."""
        self._now().errors += 1

    def seconds(self) -> list[Second]:
        """All `SPAN` seconds up to now, idle ones included, the oldest first."""
        now = int(self._clock())
        counted = {second.tick: second for second in self._seconds}
        ticks = range(now - SPAN + 1, now + 1)
        return [counted.get(tick) or Second(tick) for tick in ticks]

    def _now(self) -> Second:
        tick = int(self._clock())
        if not self._seconds or self._seconds[-1].tick != tick:
            self._seconds.append(Second(tick))
        return self._seconds[-1]
