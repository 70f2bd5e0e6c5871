"""The numbers by which tries, leases and pauses are decided."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """Seconds and counts from the settings: tries before a dead letter, backoff, lease, request time-out."""

    max_attempts: int = 12
    retry_base: float = 1.0
    retry_max: float = 3600.0
    lease: float = 120.0
    timeout: float = 15.0

    @property
    def probe_first(self) -> float:
        """Seconds from a pause to its first probe."""
        return self.retry_base * 5

    @property
    def probe_longest(self) -> float:
        """The longest time between two probes: an API that is back is found within ten minutes."""
        return min(self.retry_max, 600.0)

    @property
    def patience(self) -> float:
        """Seconds that a push may wait for a grant inside a worker's slot."""
        return min(1.0, (self.lease - self.timeout) / 4)
