"""What this project says through the broker: ids and counts only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from worker.collect.groups import Message

COLLECT, PUSH, UPKEEP = "collect", "push", "upkeep"
KINDS = (COLLECT, PUSH, UPKEEP)

LONG = 1_000
"""Messages in a queue to which none is added that may be sent later."""


def queue_name(installation: str, kind: str) -> str:
    """Queues have the installation's name, so that two installations may share a Redis."""
    return f"{installation}.{kind}"


class Waiting(Protocol):
    """What waits in the queues, by their names."""

    def length(self, queue: str) -> int: ...

    def holds(self, queue: str, task: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Messages:
    """Sends tasks, and raises BrokerUnavailableError if the broker takes none.

    `send` takes a task's name, its arguments and options; `installation` names the queues, and `queues` tells what waits in them.
    `projects`: how many there are; one message waiting for each says all there is to say.
    """

    send: Callable[..., Any]
    installation: str
    queues: Callable[[], Waiting]
    projects: int

    def collect(self, project: int) -> None:
        """Wake a project's collector, unless a message for each project waits already."""
        if self._waiting(COLLECT) < self.projects:
            self._send("collect", COLLECT, [project])

    def push(self, message: Message) -> None:
        """Have batches pushed."""
        self._send("push", PUSH, [message])

    def push_again(self, batches: tuple[int, ...]) -> None:
        """Have batches pushed whose messages may be lost, each by itself; if many messages wait, theirs are among them, or can wait."""
        if self._waiting(PUSH) < LONG:
            for batch in batches:
                self.push(((batch,),))

    def fan_out(self, project: int) -> None:
        """Have changed rows fanned out that concern many contacts, unless a queue's worth of upkeep waits."""
        if self._waiting(UPKEEP) < LONG:
            self._send("fan_out", UPKEEP, [project])

    def poll(self) -> None:
        """Have the next stretch of a poll read, unless one waits already."""
        self._send_once("poll")

    def reconcile(self) -> None:
        """Have the next stretch of a reconciliation walked, unless one waits already."""
        self._send_once("reconcile")

    def _waiting(self, kind: str) -> int:
        return self.queues().length(queue_name(self.installation, kind))

    def _send_once(self, task: str) -> None:
        if not self.queues().holds(queue_name(self.installation, UPKEEP), task):
            self._send(task, UPKEEP, [])

    def _send(self, task: str, queue: str, arguments: list[Any]) -> None:
        self.send(task, arguments, queue=queue_name(self.installation, queue))
