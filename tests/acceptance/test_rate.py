"""The rate, in the receiver's own log: five workers, five requests a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos import faults
from tests.chaos.house import House
from tests.support.arrivals import most_in_a_second, used, used_at_best
from worker.local.sandbox.faults import Status

pytestmark = pytest.mark.alone

RATE = 5
LONG = 120
SECONDS = [pytest.param(10), pytest.param(LONG, marks=pytest.mark.storm)]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house for all tests of this file: it is what takes the time."""
    with House(
        tmp_path_factory.mktemp("house"), rate=RATE, workers=5, RINGOSTAT_BATCH_SIZE="20", contacts=300
    ) as running:
        yield running


@pytest.fixture
def house(standing: House) -> House:
    """The house with an API that refuses nobody."""
    standing.sandbox.faults.clear()
    return standing


@pytest.mark.parametrize("seconds", SECONDS)
def test_five_workers_use_the_rate_and_keep_it(house: House, seconds: int) -> None:
    """With a backlog at least 95 % of it is used, and no second holds more than one request too many.

    In ten seconds, of which some may go to the start of the workers, 95 % at best.
    """
    house.flood()
    arrived = house.arrivals(RATE * seconds)

    assert most_in_a_second(arrived) <= RATE + 1
    assert (used(arrived, RATE) if seconds >= LONG else used_at_best(arrived, RATE, 25)) >= 0.95


@pytest.mark.parametrize("seconds", SECONDS)
def test_retries_splits_and_a_redis_that_forgets_are_within_the_rate(house: House, seconds: int) -> None:
    """A tenth of the requests fails, one contact is refused, and Redis comes back empty in the middle.

    Over a minute before it went away and one after it came back, 95 % are used as well.
    """
    for rule in [*house.poison, Status(status=500, times=0, probability=0.1)]:
        house.sandbox.faults.add(rule)
    house.flood()
    house.arrivals(RATE * seconds // 2)
    faults.redis_restarted_empty(house, 0.5)
    arrived = house.arrivals(RATE * seconds)

    assert most_in_a_second(arrived) <= RATE + 1
    if seconds >= LONG:
        away = max(range(1, len(arrived)), key=lambda place: arrived[place] - arrived[place - 1])
        assert used(arrived[:away], RATE) >= 0.95
        assert used(arrived[away:], RATE) >= 0.95
