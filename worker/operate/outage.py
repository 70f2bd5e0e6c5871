"""Outage: PostgreSQL itself is away, where all other problems are written down; told once, by whichever process is the first."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger()

PATIENCE = 30.0
"""Seconds for which PostgreSQL may be away before that is a problem: a restart takes less."""
FORGOTTEN_AFTER = 86_400
"""Seconds after which Redis forgets that an outage was told."""
KEY = "database"


@dataclass
class Outage:
    """`away` and `back` are called with every sign of life that could not be written, and that could. `tell` sends an alert.

    Redis keeps who has told; if it is away too, each process tells for itself.
    """

    redis: Redis
    name: str
    tell: Callable[[str], object] | None = None
    clock: Callable[[], float] = time.monotonic
    _since: float | None = field(default=None, init=False)
    _told: str = field(default="", init=False)

    def away(self, error: BaseException) -> None:
        """PostgreSQL does not answer, or not as it should."""
        self._since = self.clock() if self._since is None else self._since
        if self._told or self.clock() - self._since < PATIENCE:
            return
        self._told = (
            f"DATABASE_URL: PostgreSQL does not answer ({type(error).__name__}): nothing is sent until it is well."
        )
        if self._is_first():
            log.error("problem_began", key=KEY, problem=self._told)
            self._tell(f"ringostat-sync: {self._told}")

    def back(self) -> None:
        """PostgreSQL answers."""
        told, self._since, self._told = self._told, None, ""
        if told and self._is_last():
            log.info("problem_ended", key=KEY, problem=told)
            self._tell(f"ringostat-sync: over: {told}")

    def _is_first(self) -> bool:
        try:
            return bool(self.redis.set(self._key, "1", nx=True, ex=FORGOTTEN_AFTER))
        except RedisError:
            return True

    def _is_last(self) -> bool:
        try:
            return bool(self.redis.delete(self._key))
        except RedisError:
            return True

    def _tell(self, text: str) -> None:
        if self.tell is not None:
            self.tell(text)

    @property
    def _key(self) -> str:
        return f"{self.name}:outage"
