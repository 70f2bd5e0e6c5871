"""A project's pause: a row with a reason, a deadline and a probe, never a message that could get lost."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, Row

from models import Method, PauseReason
from worker.config.policy import Policy
from worker.database.sql import sql

log = structlog.get_logger()

LEVELS = {PauseReason.API_DOWN: logging.WARNING}
"""At which level a pause is told; any other is an error, as a person has to mend it."""


def pause_by_hand(connection: Connection, project: int, detail: str) -> None:
    """Pause until an operator resumes."""
    _write(connection, project, PauseReason.BY_HAND, detail, after=None)


def pause_for(
    connection: Connection,
    project: int,
    reason: PauseReason,
    detail: str,
    policy: Policy,
    *,
    method: Method | None = None,
    even_running: bool = True,
) -> None:
    """Pause for a reason that ends by itself, or prolong that pause: its next probe waits twice as long with each that failed.

    `method`: only this one pauses; if the other one does already, both.

    Without `even_running` a pause whose deadline is still to come is left as it is.
    """
    running = _running(connection, project)
    if running and not even_running and not running.is_probe_due:
        return
    failed = running.probes if running and running.reason == reason else 0
    _write(connection, project, reason, detail, after=policy.probe_wait(failed), method=method)


def prolong(connection: Connection, project: int, policy: Policy, *, at_least: float = 0.0) -> None:
    """The probe has cured nothing, nor given another reason: the next one goes out after the policy's wait.

    And in `at_least` seconds, if the API asked for so many.
    """
    running = _running(connection, project)
    if running:
        rearm(connection, project, max(at_least, policy.probe_wait(running.probes)))


def _running(connection: Connection, project: int) -> Row[Any] | None:
    return connection.execute(sql(__package__, "running_pause"), {"project": project}).one_or_none()


def _write(
    connection: Connection,
    project: int,
    reason: PauseReason,
    detail: str,
    *,
    after: float | None,
    method: Method | None = None,
) -> None:
    values = {"method": method, "project": project, "reason": reason, "detail": detail, "after": after}
    written = connection.execute(sql(__package__, "pause"), values).one_or_none()
    if (
        written is not None and written.before != reason and reason is not PauseReason.BY_HAND
    ):  # who paused it by hand knows
        which = {"project": project, **({"method": method.value} if method else {})}
        log.log(LEVELS.get(reason, logging.ERROR), "paused", **which, reason=reason.value, problem=detail)


def claim_probe(connection: Connection, project: int, lease: float) -> bool:
    """Let one batch through as the probe; no other process sends one within `lease` seconds unless the pause is prolonged or lifted."""
    return connection.execute(sql(__package__, "claim_probe"), {"project": project, "lease": lease}).rowcount == 1


def rearm(connection: Connection, project: int, after: float) -> None:
    """The probe proved nothing: let the next one out in `after` seconds."""
    connection.execute(sql(__package__, "rearm"), {"project": project, "after": after})


def try_new_key(connection: Connection, project: int) -> None:
    """The project has another key than before: if the old one was refused, the next probe goes out now."""
    connection.execute(sql(__package__, "try_new_key"), {"project": project})


def lift(connection: Connection, project: int, reasons: Collection[PauseReason]) -> bool:
    """End a pause of these reasons and make waiting contacts due now. False if there was none."""
    lifted = _lift(connection, project, reasons)
    if lifted is None:
        return False
    connection.execute(sql(__package__, "make_due"), {"project": project})
    log.info("resumed", project=project, reason=lifted)
    return True


def _lift(connection: Connection, project: int, reasons: Collection[PauseReason]) -> str | None:
    values = {"project": project, "reasons": list(reasons)}
    reason: str | None = connection.execute(sql(__package__, "lift"), values).scalar_one_or_none()
    return reason


@dataclass(frozen=True, slots=True)
class Resumed:
    """What an operator has ended: a pause, and a throttle of the API's."""

    pause: bool
    throttle: bool


def resume(connection: Connection, project: int) -> Resumed:
    """End any pause and any throttle of the API's, forget the failures, make all that waits due now."""
    lifted = _lift(connection, project, set(PauseReason))
    connection.execute(sql(__package__, "make_due"), {"project": project})
    connection.execute(sql(__package__, "make_batches_due"), {"project": project})
    was_throttled = connection.execute(sql(__package__, "end_throttle"), {"project": project}).scalar_one_or_none()
    return Resumed(pause=lifted is not None, throttle=bool(was_throttled))
