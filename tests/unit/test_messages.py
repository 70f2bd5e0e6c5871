"""Messages: what is sent, and what is not where enough waits already."""

from __future__ import annotations

from typing import Any

import pytest

from worker.messages import LONG, Messages

QUEUES = {"collect": "here.collect", "push": "here.push", "fan_out": "here.upkeep"}


class Broker:
    """Keeps what is sent; so many messages wait in each of its queues, and those for `tasks` among them."""

    def __init__(self, waiting: int, *tasks: str) -> None:
        self._tasks = tasks
        self.sent: list[tuple[str, list[Any], str]] = []
        self._waiting = waiting

    def send(self, task: str, arguments: list[Any], *, queue: str) -> None:
        self.sent.append((task, arguments, queue))

    def length(self, _: str) -> int:
        return self._waiting

    def holds(self, queue: str, task: str) -> bool:
        return queue == "here.upkeep" and task in self._tasks

    def messages(self, projects: int) -> Messages:
        return Messages(self.send, "here", lambda: self, projects)


@pytest.mark.parametrize("projects", [1, 3])
def test_a_project_is_woken_while_fewer_messages_wait_than_there_are_projects(projects: int) -> None:
    """One for each says all; without a worker no more than that ever waits."""
    calm, full = Broker(projects - 1), Broker(projects)
    calm.messages(projects).collect(106)
    full.messages(projects).collect(106)

    assert calm.sent == [("collect", [106], QUEUES["collect"])]
    assert full.sent == []


def test_batches_are_always_sent() -> None:
    """There are only so many under way."""
    broker = Broker(LONG)
    broker.messages(1).push(((1, 2), (3,)))

    assert broker.sent == [("push", [((1, 2), (3,))], QUEUES["push"])]


@pytest.mark.parametrize(("waiting", "sent"), [(0, 2), (LONG - 1, 2), (LONG, 0)])
def test_batches_that_may_be_lost_are_sent_again_unless_the_queue_is_long(waiting: int, sent: int) -> None:
    """Each by itself; in a long queue theirs may well be."""
    broker = Broker(waiting)
    broker.messages(1).push_again((1, 2))

    assert [arguments for _, arguments, _ in broker.sent] == [[((1,),)], [((2,),)]][:sent]


@pytest.mark.parametrize(("waiting", "sent"), [(LONG - 1, 1), (LONG, 0)])
def test_a_fan_out_is_asked_for_unless_the_queue_is_long(waiting: int, sent: int) -> None:
    """The next round asks again."""
    broker = Broker(waiting)
    broker.messages(1).fan_out(106)

    assert broker.sent == [("fan_out", [106], QUEUES["fan_out"])][:sent]


@pytest.mark.parametrize("task", ["poll", "reconcile"])
@pytest.mark.parametrize(("waiting", "sent"), [((), 1), (("sweep",), 1), (("poll", "reconcile"), 0)])
def test_a_stretch_is_asked_for_once(task: str, waiting: tuple[str, ...], sent: int) -> None:
    """One that waits already stands for the next."""
    broker = Broker(len(waiting), *waiting)
    getattr(broker.messages(1), task)()

    assert broker.sent == [(task, [], "here.upkeep")][:sent]
