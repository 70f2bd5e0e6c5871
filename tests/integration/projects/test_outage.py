"""Days without the API, with a clock that is turned: nothing is buried, little is asked, everything arrives after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support.clock import Clock
from tests.support.engine import Engine
from worker.api.client import ApiClient
from worker.local.sandbox.faults import Hang, Reset, Rule, Status

PROBES_A_DAY = 24 * 6
IN_THE_FIRST_MINUTES = 100
"""Requests until the pause, with no rate limit to speak of, and probes that follow each other closely at first."""
SPLIT = 17
"""Requests of a batch that is refused whole, at most: down to five singles."""


@pytest.fixture
def engine(make_engine: Callable[..., Engine], request: pytest.FixtureRequest) -> Engine:
    """With the settings that a user has who sets none, but for a shorter time-out where it is the API's silence that is tried."""
    is_silent = "silence" in request.node.name
    return make_engine(SYNC_RETRY_BASE="1", SYNC_RETRY_MAX="3600", RINGOSTAT_TIMEOUT="0.05" if is_silent else "5")


def outlive(engine: Engine, clock: Clock, days: timedelta) -> int:
    """Let the job work through so much time, as often as something is due; how many requests it made."""
    before = engine.sandbox.requests.last
    while clock.ahead < days:
        engine.push()
        clock.turn_to_next(days - clock.ahead + timedelta(seconds=1))
    return engine.sandbox.requests.last - before


RULES: dict[str, Rule] = {
    "500": Status(status=500, times=0),
    "503": Status(status=503, times=0),
    "reset": Reset(times=0),
    "silence": Hang(times=0),
    "401": Status(status=401, times=0),
    "404": Status(status=404, times=0),
    "422": Status(status=422, times=0),
}
SHORT = [("500", 0.5), ("silence", 0.25), ("401", 0.25), ("422", 0.25)]
LONG = [pytest.param(name, 3.0, marks=pytest.mark.storm) for name in RULES]


@pytest.mark.parametrize(("name", "days"), [*SHORT, *LONG])
def test_days_without_the_api(engine: Engine, name: str, days: float) -> None:
    """300 contacts wait; after the first minutes a probe every ten; then all of them are sent."""
    engine.contacts(1, 300)
    rule = engine.sandbox.faults.add(RULES[name])
    engine.change(*range(1, 301))
    clock = Clock(engine)
    requests = outlive(engine, clock, timedelta(days=days))
    lane = engine.lane()
    assert (lane.dead, lane.pending, lane.in_flight) == (0, 300, 0)
    probes = days * PROBES_A_DAY
    assert probes / 2 < requests < (SPLIT if name == "422" else 1) * (probes + 10) + IN_THE_FIRST_MINUTES

    engine.sandbox.faults.remove(rule)
    # What is sound again may be slow on a busy machine, and one failure more would wait for a clock that nobody turns any longer.
    engine.wiring.pusher.sender.client = ApiClient(engine.sandbox.url, 5.0)
    clock.turn_to_next(timedelta(hours=1))
    engine.drain()
    assert (engine.lane().sent, engine.lane().dead, engine.lane().paused) == (300, 0, None)


def test_changes_during_an_outage_arrive_in_their_newest_state(engine: Engine) -> None:
    """Changed three times while nothing gets through: one document each, the last."""
    rule = engine.sandbox.faults.add(Status(status=500, times=0))
    clock = Clock(engine)
    for hour in range(1, 4):
        engine.contacts(1, 20, f"Hour {hour}")
        engine.change(*range(1, 21))
        outlive(engine, clock, timedelta(hours=hour))
    engine.sandbox.faults.remove(rule)
    clock.turn_to_next(timedelta(hours=1))
    engine.drain()

    assert [engine.history(key) for key in range(1, 21)] == [[f"Hour 3 {key}"] for key in range(1, 21)]


def test_a_429_that_names_no_time_costs_a_request_a_minute(engine: Engine) -> None:
    """Throttled for hours: nothing is buried, no attempt is counted, and each round asks once."""
    engine.contacts(1, 50)
    rule = engine.sandbox.faults.add(Status(status=429, times=0))
    engine.change(*range(1, 51))
    clock = Clock(engine)
    for _ in range(30):
        engine.wiring.redis.flushall()  # its clock can't be turned, and what it forgets PostgreSQL remembers
        engine.push()
        clock.turn(timedelta(seconds=61))
    assert {row.attempts for row in engine.waiting().values()} == {0}
    assert engine.outcomes() == ["throttled"] * 30

    engine.sandbox.faults.remove(rule)
    engine.wiring.redis.flushall()
    engine.drain()
    assert (engine.lane().sent, engine.lane().dead) == (50, 0)
