"""Which of a host's addresses is tried first: the one that worked, and last those that did not."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import count

from worker.api.lookup import Address

MOST_TRIED = 16
"""Addresses tried for one connection; the others get their turn once these have failed."""
MOST_KEPT = 256
"""Addresses that are remembered: a host whose addresses change must not fill the memory."""
WORKED = -1


class Ranking:
    """What this process knows of addresses. From any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times = count(1)
        self._ranks: dict[Address, int] = {}

    def sort(self, addresses: Sequence[Address]) -> list[Address]:
        """The addresses in the order in which to try them; those that failed are last, the longest ago first."""
        with self._lock:
            return sorted(addresses, key=lambda address: self._ranks.get(address, 0))[:MOST_TRIED]

    def worked(self, address: Address) -> None:
        """It has answered."""
        self._remember(address, WORKED)

    def failed(self, address: Address) -> None:
        """It did not answer, or another one was faster by far."""
        self._remember(address, next(self._times))

    def _remember(self, address: Address, rank: int) -> None:
        with self._lock:
            self._ranks.pop(address, None)
            self._ranks[address] = rank
            if len(self._ranks) > MOST_KEPT:
                del self._ranks[next(iter(self._ranks))]
