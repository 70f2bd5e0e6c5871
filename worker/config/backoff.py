"""When to try again. Pure; the dice come in."""

from __future__ import annotations

import random


def backoff(attempt: int, *, base: float, longest: float, dice: random.Random) -> float:
    """Seconds to wait after failed try number `attempt` (from 1): exponential, with full jitter.

    Full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter", 2015) spreads tries best when many fail at once.
    """
    return dice.uniform(0.0, ceiling(attempt, base=base, longest=longest))


def ceiling(attempt: int, *, base: float, longest: float) -> float:
    """The longest wait after failed try number `attempt`: `base` doubled each time, at most `longest`."""
    return min(longest, base * 2.0 ** min(max(attempt, 1) - 1, 60))
