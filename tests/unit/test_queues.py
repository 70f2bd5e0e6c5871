"""Queues: what waits in them, as kombu writes it into Redis."""

from __future__ import annotations

import json

import pytest
from fakeredis import FakeRedis
from redis import Redis

from worker.broker.queues import LONGEST_LOOK, Queues

QUEUE = "here.upkeep"


@pytest.fixture
def redis() -> Redis:
    """An empty Redis."""
    return FakeRedis()


def wait(redis: Redis, *tasks: str) -> None:
    for task in tasks:
        redis.lpush(QUEUE, json.dumps({"body": "W10=", "headers": {"lang": "py", "task": task}, "properties": {}}))


def test_an_empty_queue_holds_nothing(redis: Redis) -> None:
    """Also one that never was."""
    queues = Queues(redis)

    assert (queues.length(QUEUE), queues.holds(QUEUE, "sweep")) == (0, False)


def test_a_queue_holds_the_tasks_that_wait(redis: Redis) -> None:
    """By their names, wherever they stand in it."""
    wait(redis, "sweep", "recover", "expand")
    queues = Queues(redis)

    assert queues.length(QUEUE) == 3
    assert [queues.holds(QUEUE, task) for task in ("sweep", "recover", "expand", "purge")] == [True, True, True, False]


@pytest.mark.parametrize("message", [b"", b"[]", b"null", b'{"headers": null}', b'{"headers": {}}', b"\xff"])
def test_what_is_no_message_holds_nobody_up(redis: Redis, message: bytes) -> None:
    """Somebody else's value is looked past."""
    redis.lpush(QUEUE, message)

    assert not Queues(redis).holds(QUEUE, "sweep")


def test_a_long_queue_holds_everything(redis: Redis) -> None:
    """Nobody reads all of it."""
    wait(redis, *["expand"] * LONGEST_LOOK)
    assert not Queues(redis).holds(QUEUE, "sweep")

    wait(redis, "expand")
    assert Queues(redis).holds(QUEUE, "sweep")
