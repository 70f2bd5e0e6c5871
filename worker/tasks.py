"""The tasks, a few lines each: arguments are ids, results are counts. What they do is in the rooms that they call."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any

import structlog
from celery import Celery
from redis.exceptions import RedisError

from worker.assembly import Assembly
from worker.broker.client import problem
from worker.collect.collector import Round
from worker.collect.groups import Message
from worker.config.settings import Settings
from worker.errors import BrokerUnavailableError, LimiterUnavailableError, SyncError
from worker.failpoints import Failpoint, hit
from worker.listen.look import look
from worker.messages import Messages
from worker.projects import pauses
from worker.reconcile.request import request
from worker.upkeep.incidents import look_for_incidents
from worker.upkeep.purge import purge
from worker.upkeep.recover import recover

log = structlog.get_logger()

SLOT = 1.0
"""Seconds after which a message's further groups go on in a message of their own, behind those that wait."""


class TaskFailedError(SyncError):
    """A task ended by an unexpected error; what it had is taken back when its lease is over."""


def register(application: Celery, settings: Settings, assembly: Assembly, messages: Messages) -> None:
    """Register the tasks with the application; `messages` is what they ask of each other."""
    tasks = Tasks(assembly, messages)
    # Killed before its lease ends, a frozen push can't meet its successor.
    limits = {name: {"time_limit": settings.sync_lease * 0.95} for name in ("collect", "push")}
    for task in (
        tasks.collect,
        tasks.push,
        tasks.fan_out,
        tasks.sweep,
        tasks.recover,
        tasks.poll,
        tasks.reconcile,
        tasks.purge,
    ):
        name = task.__name__
        application.task(discreet(name, task), name=name, throws=(TaskFailedError,), **limits.get(name, {}))


def discreet(name: str, task: Callable[..., Any]) -> Callable[..., Any]:
    """A task whose failure is told by kind and place alone.

    Databases quote rows in their messages, and a message goes on to logs, to Celery's events and to Flower.
    """

    @wraps(task)
    def run(*arguments: Any) -> Any:
        try:
            return task(*arguments)
        except (LimiterUnavailableError, BrokerUnavailableError, RedisError) as error:
            log.warning("limiter_unavailable", task=name, problem=problem(error))
            return {}
        except Exception as error:  # noqa: BLE001 - whatever it is, its message may quote a row
            frames = traceback.extract_tb(error.__traceback__)
            place = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
            state = getattr(getattr(error, "orig", error), "sqlstate", None)
            log.error(  # noqa: TRY400 - a traceback would bring the message along
                "task_failed", task=name, kind=type(error).__name__, sqlstate=state, place=place
            )
            kind = type(error).__name__
        raise TaskFailedError(f"{kind}; the worker's log has the place")

    return run


@dataclass(frozen=True, slots=True)
class Tasks:
    """What the messages ask for; each method is a task of its name."""

    parts: Assembly
    messages: Messages

    def collect(self, project: int) -> dict[str, Any]:
        """A round of collection. Its first message is pushed at once: to send it to ourselves would cost more than the round.

        So is what the broker does not take: it need not wait to be found.
        """
        found = self.parts.collector.round(project)
        here, others = found.messages[:1], found.messages[1:]
        here += tuple(message for message in others if not self._is_sent(message))
        try:
            self._tell(project, found)
        finally:
            pushed = [self._push(message) for message in here]
        batches = sum(len(group) for message in found.messages for group in message)
        return {**summed(pushed), "project": project, "batches": batches}

    def push(self, message: Message) -> dict[str, Any]:
        """Push the groups of a message."""
        return self._push(message)

    def fan_out(self, project: int) -> dict[str, Any]:
        """Turn changed rows that concern many contacts into those contacts."""
        done = self.parts.fan_out.run(project)
        if done:  # otherwise the next try comes when the claim has lapsed
            self.parts.fan_out_wake.done(project, 0.0)
        return {"project": project, "fanned_out": done}

    def sweep(self) -> dict[str, Any]:
        """Wake the projects that have something to do."""
        with self.parts.engine.begin() as connection:
            for rekeyed in self.parts.keys.changed(self.parts.mapping.projects.values()):
                pauses.try_new_key(connection, rekeyed.id)
            projects = look(connection, self.parts.mapping)
        woken = [project for project in sorted(projects) if self.parts.wake.claim(project)]
        for project in woken:
            hit(Failpoint.WOKEN)
            self.messages.collect(project)
        return {"woken": len(woken)}

    def recover(self) -> dict[str, Any]:
        """Take back what is lost, send lost messages again, and see whether the database is what it was."""
        found = recover(self.parts.engine)
        self.messages.push_again(found.unsent)
        reconcile = partial(request, reason="went_back")
        look_for_incidents(self.parts.engine, self.parts.marks, self.parts.mapping.sources, reconcile)
        return {"taken_back": len(found.taken_back), "unsent": len(found.unsent)}

    def poll(self) -> dict[str, bool]:
        """Read a little of a source that has no triggers."""
        goes_on = self.parts.turns.poll()
        if goes_on:
            self.messages.poll()
        return {"goes_on": goes_on}

    def reconcile(self) -> dict[str, bool]:
        """Compare a little of a source with what was accepted."""
        goes_on = self.parts.turns.reconcile()
        if goes_on:
            self.messages.reconcile()
        return {"goes_on": goes_on}

    def purge(self) -> dict[str, int]:
        """Remove what is settled and old."""
        return purge(self.parts.engine)

    def _tell(self, project: int, found: Round) -> None:
        """Say what else there is to do, and that this project may be woken again."""
        if found.has_fan_outs and self.parts.fan_out_wake.claim(project):
            self.messages.fan_out(project)
        self.parts.wake.done(project, found.rest)

    def _is_sent(self, message: Message) -> bool:
        """Send a message, and say whether the broker took it."""
        try:
            self.messages.push(message)
        except BrokerUnavailableError:
            return False
        return True

    def _push(self, message: Message) -> dict[str, Any]:
        """Push a message for as long as a slot is due to it, and send the rest of it on; returns what became of its contacts."""
        rest, end = list(message), time.monotonic() + SLOT
        results = []
        try:
            while rest and time.monotonic() < end:
                results.append(self.parts.pusher.push(*rest.pop(0)))
        finally:
            if rest:
                self.messages.push(tuple(rest))
        return summed(results)


def summed(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Results of pushes as one: counts are added, the last outcome and pause that there was are kept."""
    total: dict[str, Any] = {}
    for result in results:
        for name, value in result.items():
            if isinstance(value, int) and name != "project":
                total[name] = total.get(name, 0) + value
            elif value is not None or name not in total:
                total[name] = value
    return total
