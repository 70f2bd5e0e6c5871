"""Beat: what is sent when, by a clock that nobody sets, and to a broker that may be away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from celery.beat import SchedulingError
from redis.exceptions import RedisError
from structlog.testing import capture_logs

from worker.application import make_application
from worker.broker import beat
from worker.broker.beat import SparingScheduler
from worker.config.settings import load_settings

SERVERS = {"DATABASE_URL": "postgresql://x/outbox", "REDIS_URL": "redis://x"}
HOUR = timedelta(hours=1)


class Scheduler(SparingScheduler):
    """Beat's own, but for the broker: what it sends is kept."""

    producer = None  # type: ignore[assignment]

    def __init__(self, waits: Callable[[str], bool], fails: Exception | None = None) -> None:
        self.sent: list[str] = []
        self._fails = fails
        self.application = make_application(load_settings(SERVERS))
        super().__init__(self.application, waits=waits, progress=lambda: None)

    def apply_async(self, entry: Any, **_: Any) -> None:
        if self._fails:
            raise self._fails
        self.sent.append(entry.task)


@pytest.fixture
def let_pass(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs a scheduler for so many seconds; meanwhile the machine's clock may be set by somebody."""
    passed = [0.0]
    start = beat.time.monotonic()
    monkeypatch.setattr(beat, "time", SimpleNamespace(monotonic=lambda: start + passed[0]))

    def run(scheduler: Scheduler, seconds: float, set_by: timedelta = timedelta()) -> None:
        scheduler.application.now = lambda: datetime.now(UTC) + timedelta(seconds=passed[0]) + set_by
        end = passed[0] + seconds
        while passed[0] < end:
            passed[0] += max(scheduler.tick(), 0.01)

    return run


@pytest.mark.parametrize("set_by", [-HOUR, timedelta(), HOUR], ids=["back", "not", "forward"])
def test_a_clock_that_is_set_changes_nothing(let_pass: Callable[..., None], set_by: timedelta) -> None:
    """Every task is sent as often as before, within its interval."""
    scheduler = Scheduler(waits=lambda _: False)
    let_pass(scheduler, 10)
    scheduler.sent.clear()
    let_pass(scheduler, 60, set_by)

    assert 11 <= scheduler.sent.count("sweep") <= 13
    assert 11 <= scheduler.sent.count("recover") <= 13
    assert scheduler.sent.count("purge") == 1


def test_what_waits_already_is_not_sent(let_pass: Callable[..., None]) -> None:
    """Without a worker one message of each task waits, and no second."""
    scheduler = Scheduler(waits=lambda task: task in scheduler.sent)
    let_pass(scheduler, 600)

    assert sorted(scheduler.sent) == ["poll", "purge", "reconcile", "recover", "sweep"]


def away(_: str) -> bool:
    raise RedisError("away")


@pytest.mark.parametrize(
    ("waits", "fails"), [(away, None), (lambda _: False, SchedulingError("away"))], ids=["look", "send"]
)
def test_a_broker_that_is_away_is_told_once(
    let_pass: Callable[..., None], waits: Callable[[str], bool], fails: Exception | None
) -> None:
    """One line without a traceback; and the next time is as if nothing had been."""
    scheduler = Scheduler(waits, fails)
    with capture_logs() as told:
        let_pass(scheduler, 30)
    assert [line["event"] for line in told] == ["broker_unavailable"]
    assert "exc_info" not in told[0]

    scheduler._waits, scheduler._fails = lambda _: False, None
    let_pass(scheduler, 6)
    assert set(scheduler.sent) >= {"sweep", "recover"}
