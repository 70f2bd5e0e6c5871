"""When to try again."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from worker.config.backoff import backoff, ceiling
from worker.config.policy import Policy


def test_the_ceiling_doubles_up_to_the_longest() -> None:
    """Exponential from the base, bounded, also where the power itself would overflow."""
    assert [ceiling(attempt, base=1, longest=60) for attempt in (1, 2, 3, 7, 100_000)] == [1, 2, 4, 60, 60]


def test_fractions_of_seconds_are_kept() -> None:
    """A base below a second is doubled as any other."""
    assert [ceiling(attempt, base=0.25, longest=3600) for attempt in (1, 2, 3)] == [0.25, 0.5, 1.0]


@given(st.integers(1, 1000), st.floats(0.01, 100), st.floats(0.01, 1e6), st.integers())
def test_a_wait_is_between_nothing_and_the_ceiling(attempt: int, base: float, longest: float, seed: int) -> None:
    """Full jitter: anywhere below the ceiling, never above it, never negative."""
    wait = backoff(attempt, base=base, longest=longest, dice=Random(seed))

    assert 0 <= wait <= ceiling(attempt, base=base, longest=longest) <= longest


def test_waits_are_spread_over_the_whole_range() -> None:
    """Many that fail at once come back one by one: about a tenth of them in each tenth of the range."""
    dice = Random(1)
    waits = [backoff(5, base=1, longest=3600, dice=dice) for _ in range(10_000)]
    tenths = [sum(n * 1.6 <= wait < (n + 1) * 1.6 for wait in waits) for n in range(10)]

    assert all(800 < count < 1200 for count in tenths)


def test_a_probe_comes_within_ten_minutes() -> None:
    """Whatever the backoff, an API that is back is found soon."""
    assert Policy(retry_max=86_400.0).probe_wait(100) == 600.0


def test_a_push_waits_at_most_a_second_for_a_grant() -> None:
    """Longer waits are spent in the database, not in a worker's slot; short leases make it shorter."""
    assert Policy(lease=120, timeout=15).patience == 1.0
    assert Policy(lease=3, timeout=1).patience == 0.5
