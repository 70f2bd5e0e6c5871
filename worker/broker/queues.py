"""How much waits in the queues, as Redis has it: nothing is sent to a queue in which enough waits already."""

from __future__ import annotations

import json
from dataclasses import dataclass

from redis import Redis

LONGEST_LOOK = 100
"""Messages of a queue that are looked at, one by one, at most."""


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues by their names; each is a list in Redis."""

    redis: Redis

    def length(self, queue: str) -> int:
        """How many messages wait."""
        return int(self.redis.llen(queue))

    def holds(self, queue: str, task: str) -> bool:
        """Whether a message for this task waits; if there are too many messages to look at, they count as one."""
        waiting = self.redis.lrange(queue, 0, LONGEST_LOOK)
        return len(waiting) > LONGEST_LOOK or any(task == _task(message) for message in waiting)


def _task(message: bytes | str) -> str | None:
    """The task's name, from Celery's envelope (protocol 2); None for what is no message of Celery's."""
    try:
        return str(json.loads(message)["headers"]["task"])
    except (ValueError, LookupError, TypeError):
        return None
