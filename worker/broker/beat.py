"""Celery's beat: by a clock that never goes back, and without a second message where the first still waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from celery.beat import ScheduleEntry, Scheduler, SchedulingError
from celery.schedules import schedule
from redis.exceptions import RedisError

from worker.broker.client import problem
from worker.broker.trouble import Trouble

log = structlog.get_logger()

AGAIN = 1.0
"""Seconds between two tries to connect."""
_BEGIN = datetime.now(UTC)
_BEGIN_MONOTONIC = time.monotonic()


def steady_now() -> datetime:
    """The time by this machine's clock as it was when the process began, and as much later as has passed since: nobody sets it."""
    return _BEGIN + timedelta(seconds=time.monotonic() - _BEGIN_MONOTONIC)


def every(seconds: float) -> schedule:
    """A schedule that a clock set back or forward leaves as it is."""
    return schedule(seconds, nowfun=steady_now)


class SparingScheduler(Scheduler):  # type: ignore[misc] # Celery has no types
    """Sends what is due, unless it waits already. Raises nothing if Redis is away: the next one is sent.

    `waits` says whether a message for a task, by its name, waits already; `progress` is called at each turn.
    """

    def __init__(
        self, *arguments: Any, waits: Callable[[str], bool], progress: Callable[[], None], **options: Any
    ) -> None:
        self._waits = waits
        self._progress = progress
        self._trouble = Trouble("broker_unavailable")
        super().__init__(*arguments, **options)

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send what is due, unless it waits already."""
        try:
            if not self._waits(entry.task):
                self.apply_async(entry, producer=producer, advance=False)
        except (RedisError, SchedulingError) as error:
            self._trouble.tell(problem(error))

    def tick(self, *arguments: Any, **options: Any) -> Any:
        """A turn of the schedule."""
        self._progress()
        return super().tick(*arguments, **options)

    def _ensure_connected(self) -> Any:
        def tell(error: Exception, _interval: float) -> None:
            self._trouble.tell(problem(error))

        return self.connection.ensure_connection(tell, interval_start=AGAIN, interval_step=0)
