"""What this project says through the broker: ids and counts only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from worker.collect.groups import Message

COLLECT, PUSH, UPKEEP = "collect", "push", "upkeep"
KINDS = (COLLECT, PUSH, UPKEEP)

WAKE_EXPIRES = 10
"""Seconds after which a message to collect is stale: the next look sends another."""


def queue_name(installation: str, kind: str) -> str:
    """Queues have the installation's name, so that two installations may share a Redis."""
    return f"{installation}.{kind}"


@dataclass(frozen=True, slots=True)
class Messages:
    """Sends tasks. `send` takes a task's name, its arguments and options; `installation` names the queues."""

    send: Callable[..., Any]
    installation: str

    def collect(self, project: int) -> None:
        self._send("collect", COLLECT, [project], expires=WAKE_EXPIRES)

    def push(self, message: Message) -> None:
        self._send("push", PUSH, [message])

    def fan_out(self, project: int) -> None:
        self._send("fan_out", UPKEEP, [project], expires=WAKE_EXPIRES)

    def poll(self) -> None:
        self._send("poll", UPKEEP, [], expires=WAKE_EXPIRES)

    def reconcile(self) -> None:
        self._send("reconcile", UPKEEP, [], expires=WAKE_EXPIRES)

    def _send(self, task: str, queue: str, arguments: list[Any], **options: Any) -> None:
        self.send(task, arguments, queue=queue_name(self.installation, queue), **options)
