"""Which requests left last, remembered outside PostgreSQL: a database that does not know of them has gone back in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

KEPT = 8


@dataclass(frozen=True, slots=True)
class PostedMarks:
    """The newest requests by id, each with the moment at which PostgreSQL wrote it down; ids and times only.

    What Redis loses comes again with the next requests. `place` tells whether it was lost while the database became another one.
    """

    redis: Redis
    name: str

    @property
    def _key(self) -> str:
        return f"{self.name}:posted"

    @property
    def _place_key(self) -> str:
        return f"{self.name}:place"

    def place(self) -> str | None:
        """The database that these requests were noted for; None if that is not known any more. Raises RedisError."""
        found: Any = self.redis.get(self._place_key)
        return found.decode() if found else None

    def note_place(self, place: str) -> None:
        """From now on they are of this database. Raises RedisError."""
        self.redis.set(self._place_key, place)

    def note(self, request: int, posted_at: str) -> None:
        """Remember that a request left. Never fails: its absence only makes the others tell less."""
        try:
            with self.redis.pipeline(transaction=False) as pipeline:
                pipeline.zadd(self._key, {posted_at: request})
                pipeline.zremrangebyrank(self._key, 0, -KEPT - 1)
                pipeline.execute()
        except (RedisError, OSError):
            return

    def newest(self) -> list[tuple[int, str]]:
        """The requests that left last. Raises RedisError."""
        marks: Any = self.redis.zrange(self._key, 0, -1, withscores=True)
        return [(int(request), posted_at.decode()) for posted_at, request in marks]

    def forget(self) -> None:
        """Begin anew. Raises RedisError."""
        self.redis.delete(self._key)
