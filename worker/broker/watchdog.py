"""The last resort: a worker that takes no message while some wait, and while it has a process free, ends, so that it is started again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from redis.exceptions import RedisError

from worker.broker.queues import Queues

log = structlog.get_logger()

EVERY = 5.0
"""Seconds between two looks."""
PATIENCE = 60.0
"""Seconds for which a worker may take nothing while something waits for it all that time."""
BLIND = 3 * EVERY
"""Seconds without a look after which what was seen before tells nothing: the loop itself waited for a Redis that did not answer."""
GRACE = 30
"""Seconds that a deaf worker has for an orderly end."""


@dataclass(slots=True)
class Hearing:
    """Whether a worker still hears, from what is seen of it now and then. Pure."""

    _taken: str | None = None
    _deaf_since: float = 0.0
    _looked: float = 0.0

    def is_deaf(self, *, taken: str, waiting: int, is_free: bool, now: float) -> bool:
        """Note a look; says whether the worker has taken nothing for `PATIENCE` seconds of looks at all of which it should have.

        `taken`: the message taken last; `waiting`: messages that wait; `is_free`: whether it could run one; `now`: monotonic seconds.
        """
        if taken != self._taken or not waiting or not is_free or now - self._looked > BLIND:
            self._taken, self._deaf_since = taken, now
        self._looked = now
        return now - self._deaf_since >= PATIENCE


@dataclass(slots=True)
class Watchdog:
    """Looks at this worker's `queues` by name. `taken` and `is_free` as in `Hearing`; `end` asks the worker to end, with an exit code."""

    queues: Queues
    names: Sequence[str]
    taken: Callable[[], str]
    is_free: Callable[[], bool]
    end: Callable[[int], None]
    _hearing: Hearing = field(default_factory=Hearing)
    _next: float = -math.inf

    def look(self) -> None:
        """Look, if it is time; the worker's own loop calls this often.

        A thread would be simpler. But what it has locked at the moment of a fork stays locked in the child for ever.
        """
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY
        if self._is_deaf(now):
            self._next = math.inf
            problem = f"Messages wait, and this worker has taken none for {PATIENCE:g} s: it ends, to be started again."
            log.critical("worker_deaf", problem=problem)
            self.end(1)

    def _is_deaf(self, now: float) -> bool:
        try:
            waiting = sum(self.queues.length(name) for name in self.names)
        except RedisError:
            waiting = 0  # nothing can be taken from it; that is told elsewhere
        return self._hearing.is_deaf(taken=self.taken(), waiting=waiting, is_free=self.is_free(), now=now)
