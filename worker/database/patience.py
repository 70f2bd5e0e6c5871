"""Locks that the CRM may hold, asked for so shortly that its transactions don't queue behind us, and again and again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

LOCK_TIMEOUT_MS = 200
PAUSE = 0.5
"""Seconds between two tries for a lock, on average: longer than a try, so that the CRM passes between."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Tries for `seconds`; `clock` is monotonic, `dice` gives a number from 0 to 1."""

    seconds: float = 60.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    dice: Callable[[], float] = random.random

    def until(self, attempt: Callable[[], bool]) -> bool:
        """Try until an attempt succeeds; returns False once the patience is over."""
        end = self.clock() + self.seconds
        while not attempt():
            if self.clock() >= end:
                return False
            self.sleep(PAUSE * (0.5 + self.dice()))
        return True
