"""A batch on its way, and its requests that have left."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from worker.api.outcome import Outcome
from worker.batches import Leased, Ready
from worker.push.judge import Journey


@dataclass(slots=True, eq=False)
class Trip:
    """A batch with what is left of it. `is_over`: it has ended, waits elsewhere, or is no longer ours."""

    leased: Leased
    journey: Journey
    is_over: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether a part of it is still to be posted."""
        return bool(self.journey.parts) and not self.is_over


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """A request that has left: the part of a batch in it, its row in `requests`, when it left (monotonic seconds), its answer."""

    trip: Trip
    part: list[Ready]
    request: int
    left: float
    answer: Future[Outcome]


def ids(batches: Iterable[Leased]) -> list[int]:
    """Their ids, for statements and for the log."""
    return [leased.id for leased in batches]
