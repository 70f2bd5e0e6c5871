"""The numbers by which tries, leases and pauses are decided."""

from __future__ import annotations

from dataclasses import dataclass

from worker.config.backoff import ceiling


@dataclass(frozen=True, slots=True)
class Policy:
    """Seconds and counts from the settings: tries before a dead letter, backoff, lease, request time-out."""

    max_attempts: int = 12
    retry_base: float = 1.0
    retry_max: float = 3600.0
    lease: float = 120.0
    timeout: float = 15.0

    def probe_wait(self, failed: int) -> float:
        """Seconds from a pause, or from a probe that proved nothing, to its next probe, after `failed` probes in vain.

        At most ten minutes: an API that is back is found within that time.
        """
        return ceiling(failed + 1, base=self.retry_base * 5, longest=min(self.retry_max, 600.0))

    @property
    def patience(self) -> float:
        """Seconds that a push may wait for a permit inside a worker's slot."""
        return min(1.0, (self.lease - self.timeout) / 4)
