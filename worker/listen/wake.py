"""Wake: one message per project under way, however often somebody looks."""

from __future__ import annotations

from collections.abc import Collection

from redis import Redis

LONGEST_MS = 2_000
"""A claim whose work never reports back (its message was lost) may be made again after so long."""


class Wake:
    """Remembers in Redis for which projects a message was sent, for each kind of `work` apart. Losing it costs a message more."""

    def __init__(self, redis: Redis, name: str, work: str = "wake") -> None:
        self._redis = redis
        self._prefix = f"{name}:{work}"

    def claim(self, project: int) -> bool:
        """Whether this call may send the project's message."""
        return bool(self._redis.set(self._key(project), "1", nx=True, px=LONGEST_MS))

    def are_claimed(self, projects: Collection[int]) -> bool:
        """Whether all of these are woken, so that to look for their work would come to nothing."""
        return bool(projects) and self._redis.exists(*map(self._key, projects)) == len(projects)

    def done(self, project: int, rest: float) -> None:
        """The work has ended; more of it makes no sense for `rest` seconds."""
        if rest > 0:
            self._redis.set(self._key(project), "1", px=max(1, min(LONGEST_MS, int(rest * 1000))))
        else:
            self._redis.delete(self._key(project))

    def _key(self, project: int) -> str:
        return f"{self._prefix}:{project}"
