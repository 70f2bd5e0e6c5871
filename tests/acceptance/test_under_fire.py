"""The whole job with everything around it breaking: a choice of the faults of `make chaos`, once each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.faults import FAULTS, Fault
from tests.chaos.house import House

HERE = {
    "kill the process at woken",
    "kill the process at ingesting",
    "kill the process at claimed",
    "kill all of its worker at opened",
    "kill the process at answered",
    "kill the process at settling",
    "kill the process at settled",
    "kill the process at taking_back",
    "kill the process at fanned_out",
    "kill the process at requeueing",
    "kill the process at compared",
    "kill a worker's parent alone",
    "storm of random kills",
    "Redis killed",
    "Redis restarted empty",
    "Redis flushed again and again",
    "Redis frozen",
    "Redis cut off silently",
    "Redis' clock an hour back",
    "PostgreSQL's clock an hour back",
    "PostgreSQL restarted at once",
    "connections terminated",
    "the outbox locked",
    "connections used up",
    "API: silent after it has processed",
    "API: connections reset",
    "API: 401 in the middle",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house for all faults: it is what takes the time, and it has to stand them one after the other."""
    with House(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.name in HERE], ids=lambda fault: fault.name)
def test_nothing_is_lost_and_nothing_goes_back(house: House, fault: Fault) -> None:
    """Every contact is at the API in its final state, none went back to an older one, no dead letter is undeserved; within the rate."""
    verdict = house.endure(lambda broken: fault.act(broken, fault.seconds))

    assert verdict.holds(house.rate), verdict


def test_every_chosen_fault_exists() -> None:
    """A fault that was renamed is still done."""
    assert {fault.name for fault in FAULTS} >= HERE
