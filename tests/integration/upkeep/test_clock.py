"""The clock of PostgreSQL is set: nothing waits until it has caught up, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from tests.support.clock import Clock
from tests.support.deaths import kill_while
from tests.support.engine import Engine
from worker.local.sandbox.faults import Status
from worker.upkeep.incidents import look_for_incidents
from worker.upkeep.recover import MESSAGE_PATIENCE, recover

BACK = [timedelta(seconds=-40), timedelta(hours=-1), timedelta(days=-40)]
AHEAD = """
SELECT 1 FROM ringostat_sync.pending WHERE due_at > ringostat_sync.clock() + interval '10 s'
UNION ALL SELECT 1 FROM ringostat_sync.batches
    WHERE greatest(lease_until - interval '120 s', due_at - interval '60 s', sent_at, cut_at - interval '1 year') > ringostat_sync.clock()
UNION ALL SELECT 1 FROM ringostat_sync.pauses WHERE until > ringostat_sync.clock() + interval '10 s'
UNION ALL SELECT 1 FROM ringostat_sync.service_health WHERE throttled_until > ringostat_sync.clock() + interval '10 s'
UNION ALL SELECT 1 FROM ringostat_sync.deliveries WHERE accepted_at > ringostat_sync.clock()
"""


@pytest.fixture(params=BACK, ids=["seconds", "an hour", "days"])
def set_back(request: pytest.FixtureRequest, engine: Engine) -> Callable[[], None]:
    """Sets the clock back, and lets beat's next `recover` come by."""
    clock = Clock(engine)

    def turn() -> None:
        recover(engine.wiring.engine)
        clock.turn(request.param)
        with capture_logs() as told:
            recover(engine.wiring.engine)
        assert [line["event"] for line in told] == ["clock_set_back"]
        assert told[0]["seconds"] == pytest.approx(-request.param.total_seconds(), abs=2)

    return turn


def test_a_retry_does_not_wait_for_a_clock_set_back(engine: Engine, set_back: Callable[[], None]) -> None:
    """It is due when it was going to be."""
    engine.sandbox.faults.add(Status(status=500))
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    engine.push()
    set_back()
    engine.drain(timeout=5)

    assert engine.lane().sent == 3


def test_a_throttle_does_not_wait_for_a_clock_set_back(engine: Engine, set_back: Callable[[], None]) -> None:
    """Also where Redis forgets it, and PostgreSQL is asked."""
    engine.sandbox.faults.add(Status(status=429, headers={"Retry-After": "2"}))
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    engine.push()
    set_back()
    engine.wiring.redis.flushall()
    engine.drain(timeout=8)

    assert engine.lane().sent == 3


def test_a_pause_does_not_wait_for_a_clock_set_back(engine: Engine, set_back: Callable[[], None]) -> None:
    """Its probe goes out when it was going to."""
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    engine.pause("api_down", seconds=2)
    set_back()
    engine.drain(timeout=8)

    assert engine.lane().sent == 3


def test_a_lease_ends_when_it_was_going_to(
    engine: Engine, set_back: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a dead worker has left behind is taken back."""
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    [batch] = engine.collect()
    kill_while(engine, monkeypatch, "posting", batch)
    engine.sql("UPDATE ringostat_sync.batches SET lease_until = ringostat_sync.clock() + interval '5 s'")
    set_back()
    [(left,)] = engine.sql(
        "SELECT extract(epoch FROM lease_until - ringostat_sync.clock())::float FROM ringostat_sync.batches"
    )

    assert 2 < left <= 5


def test_a_lost_message_is_found_when_it_was_going_to_be(engine: Engine, set_back: Callable[[], None]) -> None:
    """The batch that it was for waits no longer."""
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    [batch] = engine.collect()
    set_back()
    engine.sql("UPDATE ringostat_sync.batches SET sent_at = sent_at - make_interval(secs => %s)", MESSAGE_PATIENCE)

    assert recover(engine.wiring.engine).unsent == (batch,)


def test_nothing_is_left_ahead_of_the_clock(engine: Engine, set_back: Callable[[], None]) -> None:
    """Nor what was accepted: whether a document is older than another goes by it."""
    engine.contacts(1, 6)
    engine.change(1, 2, 3)
    engine.drain()
    engine.sandbox.faults.add(Status(status=429))
    engine.change(4, 5, 6)
    engine.push()
    set_back()

    assert engine.sql(AHEAD) == []


@pytest.mark.parametrize("seconds", [-1, 0, 7_200])
def test_a_clock_that_goes_on_is_no_event(engine: Engine, seconds: int) -> None:
    """Nor one that is set by a second, or forward: then everything is due sooner, and nothing is lost."""
    clock = Clock(engine)
    engine.sandbox.faults.add(Status(status=500))
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    engine.push()
    recover(engine.wiring.engine)
    clock.turn(timedelta(seconds=seconds))
    with capture_logs() as told:
        recover(engine.wiring.engine)
    assert told == []

    engine.drain(timeout=5)
    assert engine.lane().sent == 3


def test_a_locked_row_leaves_it_to_the_next(engine: Engine) -> None:
    """Whoever looks after the clock waits for nobody, and has noted nothing where it gave way."""
    clock = Clock(engine)
    engine.pause("api_down", seconds=2)
    recover(engine.wiring.engine)
    clock.turn(timedelta(hours=-1))
    with engine.wiring.engine.begin() as other:
        other.exec_driver_sql("SELECT 1 FROM ringostat_sync.pauses FOR UPDATE")
        with capture_logs() as told:
            recover(engine.wiring.engine)
    assert [line["event"] for line in told] == ["clock_not_followed"]

    with capture_logs() as told:
        recover(engine.wiring.engine)
    assert [line["event"] for line in told] == ["clock_set_back"]


def test_a_clock_set_back_is_no_restored_database(engine: Engine, set_back: Callable[[], None]) -> None:
    """Redis knows the last requests by their times, which stay as they were."""
    engine.contacts(1, 3)
    engine.change(1, 2, 3)
    engine.drain()
    set_back()
    look_for_incidents(engine.wiring.engine, engine.wiring.marks, engine.wiring.mapping.sources, lambda *_: None)

    assert engine.sql("SELECT kind FROM ringostat_sync.incidents") == []
