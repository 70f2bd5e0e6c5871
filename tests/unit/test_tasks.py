"""The tasks: when each is killed, for how long one pushes, what they ask of each other."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from fakeredis import FakeRedis
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from worker.collect.collector import Round
from worker.config.settings import load_settings
from worker.errors import LimiterUnavailableError
from worker.listen.wake import Wake
from worker.tasks import SLOT, TaskFailedError, register

MESSAGE = ((1, 2), (3,), (4,), (5, 6), (7,))
"""Five groups."""


class Application:
    """Keeps what is registered with it, and what is sent."""

    def __init__(self) -> None:
        self.tasks: dict[str, Callable[..., Any]] = {}
        self.options: dict[str, dict[str, Any]] = {}
        self.sent: list[tuple[str, list[Any]]] = []

    def task(self, run: Callable[..., Any], *, name: str, **options: Any) -> None:
        self.tasks[name], self.options[name] = run, options

    def send_task(self, name: str, arguments: list[Any], **_: Any) -> None:
        self.sent.append((name, arguments))


class Pusher:
    """Pushes take so many seconds each, by a clock of their own; the one of `broken` fails."""

    def __init__(self, seconds: float, broken: int | None = None) -> None:
        self.now, self._seconds, self._broken = 0.0, seconds, broken
        self.pushed: list[tuple[int, ...]] = []

    def push(self, *batches: int) -> None:
        self.now += self._seconds
        self.pushed.append(batches)
        if self._broken in batches:
            raise RuntimeError


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
    register(application, load_settings(environment), SimpleNamespace(pusher=pusher))  # type: ignore[arg-type]
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
    [LimiterUnavailableError("away"), RedisError("away"), OperationalError("away")],
    ids=["limiter", "redis", "broker"],
)
def test_a_redis_that_is_away_is_no_failure_of_a_task(error: Exception) -> None:
    """What was to be collected waits in PostgreSQL; the log says what is away."""
    application = Application()
    wiring = SimpleNamespace(collector=Collector(error))
    register(application, load_settings({}), wiring)  # type: ignore[arg-type]

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
    register(application, load_settings({}), wiring)  # type: ignore[arg-type]
    for _ in range(3):
        application.tasks["collect"](106)
    assert application.sent == [("fan_out", [106])]

    application.tasks["fan_out"](106)
    application.tasks["collect"](106)
    assert application.sent == [("fan_out", [106])] * 2
