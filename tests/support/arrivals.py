"""What the receiver's log says of the rate. `arrived`: when requests came, in seconds, in order; `rate`: requests a second."""

from __future__ import annotations

from collections.abc import Sequence


def most_in_a_second(arrived: Sequence[float]) -> int:
    """The most requests that came within any second."""
    return max((sum(first <= other < first + 1.0 for other in arrived) for first in arrived), default=0)


def used(arrived: Sequence[float], rate: float) -> float:
    """The share of the rate that was used from the first of these requests to the last."""
    return (len(arrived) - 1) / (rate * (arrived[-1] - arrived[0]))


def used_at_best(arrived: Sequence[float], rate: float, count: int) -> float:
    """The share of the rate in the best `count` requests in a row.

    A machine that stalls for a second takes nothing away from it; what is lost now and then by design is lost there too.
    """
    return max(used(arrived[first : first + count], rate) for first in range(len(arrived) - count + 1))
