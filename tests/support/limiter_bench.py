"""A bench for `bucket.lua`: a Redis whose clock the test turns, and workers that take, wait for and use permits."""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field
from random import Random

from fakeredis import FakeRedis

from worker.config.model import Project
from worker.limiter.bucket import Limiter, Permit, Posted

TICK = 2e-6
INFINITY = float("inf")
FLUSH = -1


@dataclass
class Clock:
    """The time of the fake Redis, in seconds."""

    now: float = 1_790_000_000.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Bench:
    """A limiter, its clock, its Redis, and what PostgreSQL would say of the last requests."""

    clock: Clock
    redis: FakeRedis = field(default_factory=FakeRedis)
    posts: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    throttled_until: float = 0.0

    @property
    def limiter(self) -> Limiter:
        return Limiter(self.redis, "test", self.recall, self.clock.sleep)

    @property
    def posted(self) -> list[float]:
        """When requests of project 1 began."""
        return self.posts[1]

    def recall(self, project: int, period: float, limit: int) -> Posted:
        ages = [self.clock.now - moment for moment in self.posts[project] if self.clock.now - moment < period]
        return Posted(ages[-limit:], max(0.0, self.throttled_until - self.clock.now))

    def throttle(self, limits: Project, seconds: float) -> None:
        """The API asks for a rest: PostgreSQL hears of it first."""
        self.throttled_until = max(self.throttled_until, self.clock.now + seconds)
        self.limiter.throttle(limits, seconds)

    def work(
        self, limits: Project, seconds: float, workers: int, *, lost_after: float = INFINITY, seed: int = 1
    ) -> None:
        """Let `workers` take, wait for and use permits for so long, each busy up to 50 ms in between.

        After `lost_after` seconds Redis is flushed once.
        """
        dice, start = Random(seed), self.clock.now
        turns = [(start, worker) for worker in range(workers)] + [(start + lost_after, FLUSH)]
        permitted: dict[int, Permit] = {}
        while turns[0][0] < start + seconds:
            self.clock.now, worker = heapq.heappop(turns)
            wait = dice.random() * 0.05
            if worker == FLUSH:
                self.redis.flushall()
                wait = INFINITY
            elif permit := permitted.pop(worker, None):
                if self.limiter.confirm(limits, permit):
                    self.posts[limits.id].append(self.clock.now)
            else:
                answer = self.limiter.take(limits, 1.0)
                wait = answer.wait + TICK
                if isinstance(answer, Permit):
                    permitted[worker] = answer
            heapq.heappush(turns, (self.clock.now + wait, worker))
