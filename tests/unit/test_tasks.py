"""The tasks: when each is killed, for how long one pushes, what they ask of each other."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from fakeredis import FakeRedis
from redis import Redis
from redis.exceptions import RedisError

from worker.collect.collector import Round
from worker.config.settings import load_settings
from worker.errors import BrokerUnavailableError, LimiterUnavailableError
from worker.listen.wake import Wake
from worker.messages import Messages
from worker.tasks import SLOT, TaskFailedError, register

MESSAGE = ((1, 2), (3,), (4,), (5, 6), (7,))
"""Five groups."""


class Application:
    """Keeps what is registered with it, and what is sent; a broker that is away takes nothing."""

    def __init__(self, *, is_away: bool = False) -> None:
        self._is_away = is_away
        self.tasks: dict[str, Callable[..., Any]] = {}
        self.options: dict[str, dict[str, Any]] = {}
        self.sent: list[tuple[str, list[Any]]] = []

    def task(self, run: Callable[..., Any], *, name: str, **options: Any) -> None:
        self.tasks[name], self.options[name] = run, options

    def send_task(self, name: str, arguments: list[Any], **_: Any) -> None:
        if self._is_away:
            raise BrokerUnavailableError
        self.sent.append((name, arguments))

    def register(self, wiring: SimpleNamespace, **environment: str) -> None:
        """Register the tasks."""
        nothing = SimpleNamespace(length=lambda _: 0, holds=lambda *_: False)
        messages = Messages(self.send_task, "test", lambda: nothing, projects=1)
        register(self, load_settings(environment), wiring, messages)  # type: ignore[arg-type]


class Pusher:
    """Pushes take so many seconds each, by a clock of their own; the one of `broken` fails."""

    def __init__(self, seconds: float, broken: int | None = None) -> None:
        self.now, self._seconds, self._broken = 0.0, seconds, broken
        self.pushed: list[tuple[int, ...]] = []

    def push(self, *batches: int) -> dict[str, Any]:
        self.now += self._seconds
        self.pushed.append(batches)
        if self._broken in batches:
            raise RuntimeError
        return {"batches": len(batches)}


class Collector:
    """Every round comes to the same."""

    def __init__(self, comes_to: Round | Exception) -> None:
        self._comes_to = comes_to

    def round(self, _project: int) -> Round:
        if isinstance(self._comes_to, Exception):
            raise self._comes_to
        return self._comes_to


def registered(pusher: Pusher | None = None, **environment: str) -> Application:
    """The application with its tasks."""
    application = Application()
    application.register(SimpleNamespace(pusher=pusher), **environment)
    return application


@pytest.fixture
def redis() -> Redis:
    """An empty Redis."""
    return FakeRedis()


@pytest.fixture
def with_pusher(monkeypatch: pytest.MonkeyPatch) -> Callable[[Pusher], Application]:
    """Makes the application whose tasks go by the pusher's clock."""

    def make(pusher: Pusher) -> Application:
        monkeypatch.setattr("worker.tasks.time", SimpleNamespace(monotonic=lambda: pusher.now))
        return registered(pusher)

    return make


@pytest.mark.parametrize("lease", [{}, {"SYNC_LEASE": "3", "RINGOSTAT_TIMEOUT": "1"}], ids=["usual", "short"])
@pytest.mark.parametrize("task", ["collect", "push"])
def test_whoever_posts_is_killed_before_the_lease_ends(task: str, lease: dict[str, str]) -> None:
    """A frozen push can't meet its successor; a collection pushes too."""
    limit = registered(**lease).options[task]["time_limit"]

    assert 0 < limit < load_settings(lease).sync_lease


def test_a_message_is_pushed_to_its_end(with_pusher: Callable[[Pusher], Application]) -> None:
    """Group by group, and nothing of it is sent again."""
    application = with_pusher(pusher := Pusher(SLOT / 10))

    assert application.tasks["push"](MESSAGE) == {"batches": 7}
    assert pusher.pushed == list(MESSAGE)
    assert application.sent == []


def test_what_a_slot_has_no_time_for_goes_behind_those_that_wait(with_pusher: Callable[[Pusher], Application]) -> None:
    """After a second the further groups travel on, in one message."""
    application = with_pusher(pusher := Pusher(SLOT * 0.4))

    assert application.tasks["push"](MESSAGE) == {"batches": 4}
    assert pusher.pushed == list(MESSAGE[:3])
    assert application.sent == [("push", [MESSAGE[3:]])]


def test_an_error_takes_no_later_group_along(with_pusher: Callable[[Pusher], Application]) -> None:
    """Those behind it travel on; its own is taken back when its lease is over."""
    application = with_pusher(pusher := Pusher(SLOT / 10, broken=3))
    with pytest.raises(TaskFailedError):
        application.tasks["push"](MESSAGE)

    assert pusher.pushed == list(MESSAGE[:2])
    assert application.sent == [("push", [MESSAGE[2:]])]


@pytest.mark.parametrize(
    "error",
    [LimiterUnavailableError("away"), RedisError("away"), BrokerUnavailableError("away")],
    ids=["limiter", "redis", "broker"],
)
def test_a_redis_that_is_away_is_no_failure_of_a_task(error: Exception) -> None:
    """What was to be collected waits in PostgreSQL; the log says what is away."""
    application = Application()
    application.register(SimpleNamespace(collector=Collector(error)))

    assert application.tasks["collect"](106) == {}


def test_a_fan_out_is_asked_for_once(redis: Redis) -> None:
    """However many rounds see that something waits; and again, once it is done."""
    application, fan_out = Application(), SimpleNamespace(run=lambda _: 1)
    wiring = SimpleNamespace(
        collector=Collector(Round(has_fan_outs=True)),
        fan_out=fan_out,
        wake=Wake(redis, "test"),
        fan_out_wake=Wake(redis, "test", "fan_out"),
    )
    application.register(wiring)
    for _ in range(3):
        application.tasks["collect"](106)
    assert application.sent == [("fan_out", [106])]

    application.tasks["fan_out"](106)
    application.tasks["collect"](106)
    assert application.sent == [("fan_out", [106])] * 2


def test_what_the_broker_does_not_take_is_pushed_at_once() -> None:
    """Its batches need not wait until somebody finds that they were never pushed."""
    application, pusher = Application(is_away=True), Pusher(0.0)
    found = Round(messages=(((1,),), ((2, 3),), ((4,),)))
    wake = SimpleNamespace(done=lambda *_: None)
    application.register(SimpleNamespace(collector=Collector(found), pusher=pusher, wake=wake))

    assert application.tasks["collect"](106)["batches"] == 4
    assert pusher.pushed == [(1,), (2, 3), (4,)]


def test_a_redis_that_goes_away_in_a_round_holds_up_no_batch() -> None:
    """That the round has ended can't be told; what was cut is pushed all the same."""

    def away(*_: object) -> None:
        raise RedisError("away")

    application, pusher = Application(), Pusher(0.0)
    found = Round(messages=(((1,),),))
    application.register(SimpleNamespace(collector=Collector(found), pusher=pusher, wake=SimpleNamespace(done=away)))
    application.tasks["collect"](106)

    assert pusher.pushed == [(1,)]
