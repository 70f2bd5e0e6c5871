"""The last resort: a worker that takes no message while some wait, and while it has a process free, ends, so that it is started again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError

from worker.broker.queues import Queues

log = structlog.get_logger()

EVERY = 5.0
"""Seconds between two looks."""
PATIENCE = 60.0
"""Seconds for which a worker may take nothing while something waits for it all that time."""
GRACE = 30.0
"""Seconds that a deaf worker has for an orderly end."""


@dataclass(slots=True)
class Hearing:
    """Whether a worker still hears, from what is seen of it now and then. Pure."""

    _taken: str | None = None
    _deaf_since: float = 0.0

    def is_deaf(self, *, taken: str, waiting: int, is_free: bool, now: float) -> bool:
        """Note a look; says whether the worker has taken nothing for `PATIENCE` seconds of looks at all of which it should have.

        `taken`: the message taken last; `waiting`: messages that wait; `is_free`: whether it could run one; `now`: monotonic seconds.
        """
        if taken != self._taken or not waiting or not is_free:
            self._taken, self._deaf_since = taken, now
        return now - self._deaf_since >= PATIENCE


@dataclass(slots=True)
class Watchdog:
    """Looks at this worker's `queues` by name. `taken` and `is_free` as in `Hearing`; `end` asks the worker to end, with an exit code."""

    queues: Queues
    names: Sequence[str]
    taken: Callable[[], str]
    is_free: Callable[[], bool]
    end: Callable[[int], None]

    def start(self) -> None:
        """Watch in a thread of its own, as the worker's is what may stand still."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def _watch(self) -> None:
        hearing = Hearing()
        while not self._is_deaf(hearing):
            time.sleep(EVERY)
        problem = f"Messages wait, and this worker has taken none for {PATIENCE:g} s: it ends, to be started again."
        log.critical("worker_deaf", problem=problem)
        self.end(1)
        time.sleep(GRACE)
        os._exit(1)

    def _is_deaf(self, hearing: Hearing) -> bool:
        try:
            waiting = sum(self.queues.length(name) for name in self.names)
        except RedisError:
            waiting = 0  # nothing can be taken from it; that is told elsewhere
        return hearing.is_deaf(taken=self.taken(), waiting=waiting, is_free=self.is_free(), now=time.monotonic())
