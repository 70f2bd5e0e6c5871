"""Dice that fall as a test wants them to."""

from __future__ import annotations

from random import Random


class Longest(Random):
    """Of any range its upper end: with full jitter, the ceiling of a wait."""

    def uniform(self, _a: float, b: float) -> float:
        return b
