"""The rate limit, by Redis's own clock."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from tests.support.arrivals import most_in_a_second, used_at_best
from worker.config.model import Project, Rate
from worker.errors import LimiterUnavailableError
from worker.limiter.bucket import MICRO, Later, Limiter, Permit, Posted


def limiter(redis: Redis, posted: Posted | None = None) -> Limiter:
    return Limiter(redis, "test", lambda *_: posted or Posted([], 0.0), time.sleep)


def test_no_period_grants_more_than_n(redis_url: str) -> None:
    """Five at once ask for two seconds: by Redis's clock no second permits more than ten, and at least 95 % are used."""
    project = Project(1, Rate(10, 1.0), 100)
    permitted: set[int] = set()
    end = time.monotonic() + 2.5

    def worker() -> None:
        with Redis.from_url(redis_url) as redis:
            bucket = limiter(redis)
            while time.monotonic() < end:
                answer = bucket.take(project, 0.5)
                assert isinstance(answer, Permit | Later)
                permitted.update(map(int, redis.lrange("{test:1}:permits", 0, -1)))
                time.sleep(answer.wait)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: worker(), range(5)))

    moments = [moment / MICRO for moment in sorted(permitted)]
    assert most_in_a_second(moments) <= 10
    assert used_at_best(moments, 10, 15) >= 0.95


def test_a_hold_is_for_everybody(redis_url: str) -> None:
    """After `hold` nobody gets a permit, whatever connection asks."""
    project = Project(1, Rate(100, 1.0), 100)
    with Redis.from_url(redis_url) as one, Redis.from_url(redis_url) as other:
        limiter(one).throttle(project, 30)
        answer = limiter(other, Posted([], 30.0)).take(project, 1.0)

    assert isinstance(answer, Later)
    assert 29 < answer.wait <= 30


def test_a_lost_bucket_remembers_what_was_posted(redis_url: str) -> None:
    """Refilled from the times of posting: a spent quota stays spent."""
    project = Project(1, Rate(3, 60.0), 100)
    with Redis.from_url(redis_url) as redis:
        answer = limiter(redis, Posted([5.0, 3.0, 1.0], 0.0)).take(project, 1.0)

    assert isinstance(answer, Later)
    assert answer.wait > 50


def test_a_grant_of_a_lost_bucket_is_not_used(redis_url: str) -> None:
    """Flushed between permit and request: the permit is void."""
    project = Project(1, Rate(5, 1.0), 100)
    with Redis.from_url(redis_url) as redis:
        bucket = limiter(redis)
        permit = bucket.take(project, 1.0)
        assert isinstance(permit, Permit)
        assert bucket.confirm(project, permit)
        redis.flushall()

        assert not bucket.confirm(project, permit)


def test_without_redis_nothing_is_granted() -> None:
    """It fails safe."""
    with Redis(port=1, retry=None) as redis, pytest.raises(LimiterUnavailableError):
        limiter(redis).take(Project(1, Rate(5, 1.0), 100), 1.0)
