"""Hold back: `Retry-After` and 429 are obeyed by everybody at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from typer.testing import CliRunner

from tests.support.engine import PROJECT, Engine
from tests.support.waiting import wait_until
from worker.cli import session
from worker.cli.app import make_app
from worker.cli.status import throttled
from worker.local.sandbox.faults import Latency, Refuse, Status
from worker.operate.status import read_status


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_obeyed(engine: Engine, status: int, form: str) -> None:
    """In either form, by everybody: nothing leaves before its time, and no attempt is spent."""
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    value = "1" if form == "seconds" else format_datetime(moment, usegmt=True)
    engine.sandbox.faults.add(Status(status=status, headers={"Retry-After": value}))
    engine.contacts(1, 20)
    engine.change(*range(1, 11))
    engine.push()
    assert {row.attempts for row in engine.waiting().values()} == {0}

    engine.change(*range(11, 21))
    engine.drain()
    first, *others = engine.sandbox.requests
    if form == "seconds":
        assert min(request.arrived for request in others) - (first.finished or 0) >= 0.99
    else:
        assert min(request.at for request in others) >= moment - timedelta(seconds=0.01)
    assert engine.outcomes()[0] == "throttled"
    assert engine.lane().sent == 20


def test_without_retry_after_a_429_waits_longer_each_time(engine: Engine) -> None:
    """One second, then two; remembered in the database, for a Redis that forgets."""
    engine.sandbox.faults.add(Status(status=429, times=2))
    engine.contacts(1, 1)
    engine.change(1)
    engine.push()
    held = "SELECT extract(epoch FROM throttled_until - clock_timestamp())::float FROM ringostat_sync.service_health"
    [(first,)] = engine.sql(held)
    wait_until(engine.push, what="the second try")
    [(second,)] = engine.sql(held)

    assert 0 < first <= 1 < second <= 2


def test_a_hold_outlives_redis(engine: Engine) -> None:
    """Flushed in the middle of a `Retry-After`, the bucket is refilled with it."""
    engine.sandbox.faults.add(Status(status=429, headers={"Retry-After": "60"}))
    engine.contacts(1, 2)
    engine.change(1)
    engine.push()
    engine.wiring.redis.flushall()
    engine.change(2)

    assert engine.push() == 0
    assert len(engine.posted()) == 1


def test_a_lost_bucket_is_refilled_from_the_requests(make_engine: Callable[..., Engine]) -> None:
    """Flushed, Redis forgets a spent quota; PostgreSQL does not, and nothing is sent before its time."""
    engine = make_engine(RINGOSTAT_RATE_LIMIT="2/m")
    engine.contacts(1, 3)
    engine.wiring.redis.flushall()
    for key in (1, 2):
        engine.sql(
            "INSERT INTO ringostat_sync.requests (project, method, batch_id, entries, posted_at)"
            " VALUES (%s, 'contacts', %s, 1, now() - interval '5 s')",
            PROJECT,
            key,
        )
    engine.change(3)
    found = engine.wiring.collector.round(PROJECT)

    assert found.messages == ()
    assert 50 < found.rest < 58


@pytest.mark.parametrize("event", ["flushed", "held"])
def test_a_grant_that_has_become_void_is_not_used(make_engine: Callable[..., Engine], event: str) -> None:
    """While a push waits for its permit, Redis loses everything, or another worker is told to hold back."""
    engine = make_engine(RINGOSTAT_RATE_LIMIT="2/s")
    engine.contacts(1, 1)
    engine.change(1)
    [batch] = engine.collect()
    engine.wiring.limiter.take(engine.project, 1.0)

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        if event == "flushed":
            engine.wiring.redis.flushall()
            engine.sql(
                "INSERT INTO ringostat_sync.service_health (project, throttled_until) VALUES (%s, now() + interval '1 min')"
                " ON CONFLICT (project) DO UPDATE SET throttled_until = excluded.throttled_until",
                PROJECT,
            )
        else:
            engine.throttle()

    engine.wiring.pusher.sender.sleep = sleep
    engine.wiring.pusher.push(batch)

    assert engine.posted() == []
    assert engine.waiting()["1"].attempts == 0


def resume(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command, in the engine's environment."""
    for name, value in engine.wiring.settings.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(session, "set_up_logs", lambda *_: None)  # it would outlive the runner's standard error
    done = CliRunner().invoke(make_app(), ["resume", str(PROJECT)])
    assert (done.exit_code, done.output) == (0, f"Project {PROJECT} is resumed.\n")


def test_an_operator_who_knows_better_ends_it(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """`status` tells of it, `resume` lifts it for everybody, and the contacts that waited go at once."""
    engine.sandbox.faults.add(Status(status=429, headers={"Retry-After": "86400"}))
    engine.contacts(1, 1)
    engine.change(1)
    engine.push()
    with engine.wiring.engine.connect() as connection:
        [told] = throttled(read_status(connection, engine.wiring.mapping))
    assert told.startswith(f"{PROJECT} is throttled until ")
    assert engine.collect() == []

    resume(engine, monkeypatch)
    engine.drain()
    assert engine.lane().sent == 1
    with engine.wiring.engine.connect() as connection:
        assert throttled(read_status(connection, engine.wiring.mapping)) == []


@pytest.fixture
def half_way(engine: Engine) -> Engine:
    """An engine with a batch in the middle of a split, when the API asked for a day's rest; one of its contacts has changed since."""
    engine.contacts(1, 8)
    engine.sandbox.faults.add(Refuse(ids=["3"]))
    engine.after_each_request(lambda number: engine.throttle(86_400) if number == 2 else None)
    engine.change(*range(1, 9))
    engine.push()
    engine.contacts(5, 5, "New")
    engine.change(5)
    assert engine.sql("SELECT state::text FROM ringostat_sync.batches") == [("snoozed",)]
    return engine


def test_resume_reaches_batches_in_the_middle_of_a_split(half_way: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go on at once, and what has changed of them goes along."""
    half_way.push()
    assert len(half_way.posted()) == 2

    resume(half_way, monkeypatch)
    half_way.drain(timeout=5)
    assert half_way.history(5) == ["New 5"]
    assert half_way.lane().sent == 7


@pytest.mark.parametrize("lost", ["Redis", "resume"])
def test_a_wait_in_the_middle_of_a_split_has_a_ceiling(half_way: Engine, lost: str) -> None:
    """After a minute one looks again, whoever has ended the rest meanwhile, and however."""
    [(seconds,)] = half_way.sql(
        "SELECT extract(epoch FROM due_at - clock_timestamp())::float FROM ringostat_sync.batches"
    )
    assert seconds <= 60
    if lost == "Redis":
        half_way.wiring.redis.flushall()
    half_way.end_throttle()
    half_way.drain(timeout=5)

    assert half_way.lane().sent == 7


@pytest.mark.parametrize("retry_after", [None, "0", "1"])
@pytest.mark.parametrize("count", [3, 7])
def test_429s_to_requests_that_left_together_count_as_one(
    make_engine: Callable[..., Engine], count: int, retry_after: str | None
) -> None:
    """They tell of one moment in which the API had enough, and are no reason to rest for longer and longer."""
    engine = make_engine(RINGOSTAT_BATCH_SIZE="1", RINGOSTAT_RATE_LIMIT="100/s")
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    # None is answered before all have left.
    slow = engine.sandbox.faults.add(Latency(ms=300))
    engine.sandbox.faults.add(Status(status=429, times=count, headers=headers))
    engine.contacts(1, count)
    engine.change(*range(1, count + 1))
    batches = engine.collect()
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(engine.wiring.pusher.push, batches))
    seen = "SELECT throttles, throttled_until < clock_timestamp() + interval '1.1 s' FROM ringostat_sync.service_health"
    assert engine.outcomes() == ["throttled"] * count
    assert engine.sql(seen) == [(1, True)]

    engine.sandbox.faults.remove(slow)
    began = time.monotonic()
    engine.drain()
    assert time.monotonic() - began < 5
    assert engine.lane().sent == count
