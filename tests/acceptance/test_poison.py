"""Fifty refused contacts among a hundred thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.house import House
from worker.local.sandbox.faults import Refuse


@pytest.mark.parametrize(
    ("contacts", "at_fault"), [(4_000, 4), pytest.param(100_000, 50, marks=pytest.mark.storm)], ids=["4,000", "100,000"]
)
def test_exactly_those_at_fault_are_buried(tmp_path: Path, contacts: int, at_fault: int) -> None:
    """Each costs fewer than twenty extra requests, and nobody else is a dead letter."""
    poisoned = [str(7 + number * (contacts // at_fault)) for number in range(at_fault)]
    with House(tmp_path, rate=500, contacts=contacts, poison=[Refuse(ids=poisoned)], timeout=900) as house:
        dead_letters, requests, verdict = house.dead_letters(), len(house.sandbox.requests), house.verdict(poisoned)

    assert dead_letters == poisoned
    assert (verdict.lost, verdict.undeserved) == (0, 0)
    assert requests < contacts / 100 + 20 * at_fault
