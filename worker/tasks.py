"""The tasks, a few lines each: arguments are ids, results are counts. What they do stands in the rooms that they call."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from worker import assembly  # noqa: F401 - loaded before the fork
from worker.backfill.poll import poll
from worker.collect.messages import Message
from worker.config.settings import Settings
from worker.errors import LimiterUnavailableError, SyncError
from worker.listen.look import look
from worker.messages import Messages
from worker.points import Point, reach
from worker.purge.purge import purge
from worker.recover.recover import recover
from worker.wiring import Wiring

log = structlog.get_logger()

SLOT = 1.0
"""Seconds after which a message's further convoys go on in a message of their own, behind those that wait."""


class TaskFailedError(SyncError):
    """A task ended by an error that nobody expected; what it held is taken back when its lease is over."""


def register(application: Celery, settings: Settings, wiring: Wiring) -> None:
    """Register the tasks with the application."""
    messages = Messages(application.send_task, settings.sync_name)
    # Killed before its lease ends, a frozen push can't meet its successor.
    limits = {name: {"time_limit": settings.sync_lease * 0.95} for name in ("collect", "push")}
    for name, task in {**_work(wiring, messages), **_upkeep(wiring, messages)}.items():
        application.task(discreet(name, task), name=name, throws=(TaskFailedError,), **limits.get(name, {}))


def discreet(name: str, task: Callable[..., Any]) -> Callable[..., Any]:
    """A task whose failure is told by kind and place alone.

    Databases quote rows in their messages, and a message goes on to logs, to Celery's events and to Flower.
    """

    @wraps(task)
    def run(*arguments: Any) -> Any:
        try:
            return task(*arguments)
        except (LimiterUnavailableError, RedisError, OperationalError) as error:
            log.warning("limiter_unavailable", task=name, problem=f"Redis does not answer ({type(error).__name__}).")
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


def _work(wiring: Wiring, messages: Messages) -> dict[str, Callable[..., Any]]:
    """What a change passes through."""

    def collect(project: int) -> dict[str, Any]:
        found = wiring.collector.round(project)
        # The first message is pushed at once: to send it to ourselves would cost more than the round.
        ours, others = found.messages[:1], found.messages[1:]
        for message in others:
            messages.push(message)
        if found.expansions and wiring.expanding.claim(project):
            messages.expand(project)
        wiring.wake.done(project, found.rest)
        batches = sum(len(convoy) for message in found.messages for convoy in message)
        return {"project": project, "batches": batches, "pushed": sum(map(push_on, ours))}

    def push(message: Message) -> dict[str, Any]:
        return {"batches": push_on(message)}

    def push_on(message: Message) -> int:
        rest, end = list(message), time.monotonic() + SLOT
        pushed = 0
        try:
            while rest and time.monotonic() < end:
                convoy = rest.pop(0)
                wiring.pusher.push(*convoy)
                pushed += len(convoy)
        finally:
            if rest:
                messages.push(tuple(rest))
        return pushed

    def expand(project: int) -> dict[str, Any]:
        expanded = wiring.expander.expand(project)
        if expanded:  # otherwise whoever tries next comes when the claim has lapsed
            wiring.expanding.done(project, 0.0)
        return {"project": project, "expanded": expanded}

    return {"collect": collect, "push": push, "expand": expand}


def _upkeep(wiring: Wiring, messages: Messages) -> dict[str, Callable[..., Any]]:
    """What beat sends."""

    def sweep() -> dict[str, Any]:
        with wiring.engine.connect() as connection:
            projects = look(connection, wiring.mapping)
        woken = [project for project in sorted(projects) if wiring.wake.claim(project)]
        for project in woken:
            reach(Point.WOKEN)
            messages.collect(project)
        return {"woken": len(woken)}

    def recover_lost() -> dict[str, Any]:
        found = recover(wiring.engine)
        for batch in found.unsent:
            messages.push(((batch,),))
        return {"taken_back": len(found.taken_back), "unsent": len(found.unsent)}

    def poll_replica() -> dict[str, int]:
        return {"polled": poll(wiring.engine, wiring.crm, wiring.mapping)}

    def purge_old() -> dict[str, int]:
        return purge(wiring.engine)

    return {"sweep": sweep, "recover": recover_lost, "poll": poll_replica, "purge": purge_old}
