"""The rate limit: one bucket per project in Redis, for all workers, retries, splits and probes.

Redis may lose it at any moment. Then the bucket is refilled from the times of posting that PostgreSQL holds, and a permit that
was given by the lost state, or before a throttle, is not used (`confirm`). Where Redis is away, nothing is permitted.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Protocol

from redis import Redis
from redis.exceptions import RedisError

from worker.config.model import Project, Rate
from worker.errors import LimiterUnavailableError

SLACK = 1.035
"""A period is counted this much longer than it is, so that the receiver's clock and the network's moods stay within N + 1."""
SPACING = 0.96
"""Permits are spaced evenly, a little closer than the average, so that lost time can be made up."""
NETWORK = 0.03
"""Seconds by which the way to the receiver may differ from request to request."""
CONFIRMATION = 0.1
"""Seconds from a permit's confirmation to its row in PostgreSQL, at most."""
TRUSTED = 2.0
"""Seconds of a throttle that are believed without asking PostgreSQL, to which it was told a moment before Redis."""
MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Permit:
    """A request may start in `wait` seconds, if the bucket of `epoch` is still there then.

    `crowded`: at least half of the quota was used lately, so that requests have to keep their distance at the receiver too.
    """

    wait: float
    epoch: str
    crowded: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """No permit within the asked patience; the next could start in `wait` seconds."""

    wait: float


@dataclass(frozen=True, slots=True)
class Slots:
    """How many permits could start soon, and in how many seconds the first."""

    count: int
    wait: float


@dataclass(frozen=True, slots=True)
class Posted:
    """What PostgreSQL knows: seconds since each of the last requests (oldest first), and seconds for which the API still throttles us."""

    ages: Sequence[float]
    throttled: float


class Recall(Protocol):
    """Reads `Posted` for a project, at most `limit` requests of the last `period` seconds."""

    def __call__(self, project: int, period: float, limit: int) -> Posted: ...


class Limiter:
    """The buckets of all projects. `recall` reads the times of posting; `pause` sleeps (seconds)."""

    def __init__(self, redis: Redis, name: str, recall: Recall, pause: Callable[[float], None]) -> None:
        self._name = name
        self._recall = recall
        self._pause = pause
        self._redis = redis
        self._script = redis.register_script((files(__package__) / "bucket.lua").read_text(encoding="utf-8"))

    def take(self, project: Project, patience: float) -> Permit | Later:
        """A permit that starts within `patience` seconds, or how long it would take. Raises LimiterUnavailableError."""
        answer = self._ask_again(project, "take", round(patience * MICRO))
        if answer[0] == 1:
            return Permit(answer[1] / MICRO, _text(answer[2]), crowded=bool(answer[3]))
        return Later(answer[1] / MICRO)

    def confirm(self, project: Project, permit: Permit) -> bool:
        """Whether this permit still holds: its state is there, and no throttle has begun; ask after having waited for it."""
        return bool(self._run(project, "confirm", permit.epoch)[0] == 1)

    def slots(self, project: Project, horizon: float) -> Slots:
        """How many permits could start within `horizon` seconds."""
        answer = self._ask_again(project, "slots", round(horizon * MICRO))
        return Slots(int(answer[1]), answer[2] / MICRO)

    def throttle(self, project: Project, seconds: float) -> None:
        """Permit nothing for `seconds` (the API's `Retry-After`)."""
        self._ask(project, "throttle", round(seconds * MICRO))

    def reset(self, project: Project) -> None:
        """Lose the bucket on purpose, as an operator knows better: a throttle ends, and the rest is read from PostgreSQL again.

        PostgreSQL must have been told before.
        """
        with _unavailable():
            self._redis.set(self._remembers, self._now())
            self._redis.delete(*self._keys(project))

    def _ask(self, project: Project, operation: str, argument: int) -> list[Any]:
        answer = self._run(project, operation, argument)
        while answer[0] == -1:
            self._refill(project)
            answer = self._run(project, operation, argument)
        return answer

    def _ask_again(self, project: Project, operation: str, argument: int) -> list[Any]:
        """The same, but if a throttle is in the way, PostgreSQL is asked as well: what Redis knows of it is a copy."""
        answer = self._ask(project, operation, argument)
        throttled = answer[-1] / MICRO if answer[0] == 0 or operation == "slots" else 0.0
        if throttled < TRUSTED:
            return answer
        told = self._recall(project.id, 0.0, 0).throttled
        if throttled - told < TRUSTED:
            return answer
        self._ask(project, "shorten", round(told * MICRO))
        return self._ask(project, operation, argument)

    def _refill(self, project: Project) -> None:
        self._wait_for_lost_permits()
        limit = project.rate.count
        posted = self._recall(project.id, project.rate.period * SLACK, limit)
        ages = [round(age * MICRO) for age in posted.ages]
        self._run(project, "seed", secrets.token_hex(8), round(posted.throttled * MICRO), *ages)

    def _wait_for_lost_permits(self) -> None:
        """Where Redis has just lost everything, a permit may be between its confirmation and its row in PostgreSQL.

        A bucket that is missing in a Redis that remembers us was not lost, only never used, or not for long: no request waits then.
        """
        with _unavailable():
            now = self._now()
            since = (
                now if self._redis.set(self._remembers, now, nx=True) else int(self._redis.get(self._remembers) or now)
            )
        self._pause(min(CONFIRMATION, max(0.0, CONFIRMATION - (now - since) / MICRO)))

    def _now(self) -> int:
        seconds, micros = self._redis.time()
        return int(seconds * MICRO + micros)

    @property
    def _remembers(self) -> str:
        return f"{self._name}:remembers"

    def _keys(self, project: Project) -> list[str]:
        return [f"{{{self._name}:{project.id}}}:bucket", f"{{{self._name}:{project.id}}}:permits"]

    def _run(self, project: Project, operation: str, *arguments: int | str) -> list[Any]:
        with _unavailable():
            return list(self._script(keys=self._keys(project), args=[operation, *terms(project.rate), *arguments]))


def lateness(rate: Rate) -> float:
    """Seconds that a request may leave after its permit and still be no more than the one that N + 1 allows.

    Permits N + 1 apart are a period of `SLACK` and a spacing apart: as long as none is later than what that has more than a period,
    no period at the receiver holds N + 2.
    """
    return max(NETWORK, rate.period * (SLACK - 1) + rate.period / rate.count * SPACING - NETWORK)


def terms(rate: Rate) -> tuple[int, int, int]:
    """Count, period and spacing as the script takes them, in microseconds."""
    return (
        rate.count,
        round(rate.period * SLACK * MICRO),
        max(1, round(rate.period / rate.count * SPACING * MICRO)),
    )


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise LimiterUnavailableError("Redis does not answer, so no request is permitted; the batch waits.") from error
