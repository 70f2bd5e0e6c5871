"""Wake: one message per project under way, however often a process looks."""

from __future__ import annotations

from collections.abc import Collection

from redis import Redis

LONGEST_MS = 2_000
"""A claim whose work never reports back (its message was lost) may be made again after so long."""

CLAIM = """
local left = redis.call('PTTL', KEYS[1])
if left > tonumber(ARGV[1]) or left == -1 then redis.call('DEL', KEYS[1]) end
return redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) and 1 or 0
"""
"""A claim that would last longer than any was made before the clock of Redis was set back: it is none."""
COUNT = """
local claimed = 0
for _, key in ipairs(KEYS) do
    local left = redis.call('PTTL', key)
    if left >= 0 and left <= tonumber(ARGV[1]) then claimed = claimed + 1 end
end
return claimed
"""


class Wake:
    """Remembers in Redis for which projects a message was sent, for each kind of `work` apart. Losing it costs a message more."""

    def __init__(self, redis: Redis, name: str, work: str = "wake") -> None:
        self._redis = redis
        self._prefix = f"{name}:{work}"
        self._claim = redis.register_script(CLAIM)
        self._count = redis.register_script(COUNT)

    def claim(self, project: int) -> bool:
        """Whether this call may send the project's message."""
        return bool(self._claim(keys=[self._key(project)], args=[LONGEST_MS]))

    def are_claimed(self, projects: Collection[int]) -> bool:
        """Whether all of these are woken, so that to look for their work would come to nothing."""
        keys = [self._key(project) for project in projects]
        return bool(keys) and int(self._count(keys=keys, args=[LONGEST_MS])) == len(keys)

    def done(self, project: int, rest: float) -> None:
        """The work has ended; more of it makes no sense for `rest` seconds."""
        if rest > 0:
            self._redis.set(self._key(project), "1", px=max(1, min(LONGEST_MS, int(rest * 1000))))
        else:
            self._redis.delete(self._key(project))

    def _key(self, project: int) -> str:
        return f"{self._prefix}:{project}"
