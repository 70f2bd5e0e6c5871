"""A project's pause: a row with a reason, a deadline and a probe, never a message that could get lost."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from models import PauseReason
from worker.database.sql import sql
from worker.policy import Policy


def pause(
    connection: Connection,
    project: int,
    reason: PauseReason,
    detail: str,
    *,
    first: float = 0.0,
    longest: float = 0.0,
    even_running: bool = True,
) -> None:
    """Pause, or prolong the pause: the deadline is `first` seconds away, doubled with each probe that failed, at most `longest`.

    A pause by hand has no deadline, and no other reason replaces it. Without `even_running` a pause whose deadline is still to come
    is left as it is.
    """
    terms = {"first": first, "longest": longest, "even_running": even_running}
    connection.execute(sql(__package__, "pause"), {"project": project, "reason": reason, "detail": detail, **terms})


def pause_for(
    connection: Connection,
    project: int,
    reason: PauseReason,
    detail: str,
    policy: Policy,
    *,
    even_running: bool = True,
) -> None:
    """Pause for a reason that ends by itself, with the policy's deadlines."""
    terms = {"first": policy.probe_first, "longest": policy.probe_longest}
    pause(connection, project, reason, detail, **terms, even_running=even_running)


def claim_probe(connection: Connection, project: int, lease: float) -> bool:
    """Let one batch through as the probe; nobody else sends one within `lease` seconds unless the pause is prolonged or lifted."""
    return connection.execute(sql(__package__, "claim_probe"), {"project": project, "lease": lease}).rowcount == 1


def prolong(connection: Connection, project: int, policy: Policy, *, at_least: float = 0.0) -> None:
    """The probe has cured nothing, nor given another reason: the next one goes out after the policy's deadline.

    And in `at_least` seconds, where the API asked for so many.
    """
    values = {"project": project, "first": policy.probe_first, "longest": policy.probe_longest, "at_least": at_least}
    connection.execute(sql(__package__, "prolong"), values)


def rearm(connection: Connection, project: int, after: float) -> None:
    """The probe proved nothing: let the next one out in `after` seconds."""
    connection.execute(sql(__package__, "rearm"), {"project": project, "after": after})


def lift(connection: Connection, project: int, reasons: Collection[PauseReason]) -> bool:
    """End a pause of these reasons and make waiting contacts due now. False where there was none."""
    values = {"project": project, "reasons": list(reasons)}
    lifted = connection.execute(sql(__package__, "lift"), values).rowcount == 1
    if lifted:
        connection.execute(sql(__package__, "make_due"), {"project": project})
    return lifted


@dataclass(frozen=True, slots=True)
class Resumed:
    """What an operator's word has ended: a pause, and the API's wish to be held back from."""

    pause: bool
    hold_back: bool


def resume(connection: Connection, project: int) -> Resumed:
    """End any pause and any wish of the API's to hold back, forget the failures, make waiting contacts due now."""
    lifted = lift(connection, project, set(PauseReason))
    connection.execute(sql(__package__, "make_due"), {"project": project})
    held = connection.execute(sql(__package__, "let_go"), {"project": project}).scalar_one_or_none()
    return Resumed(pause=lifted, hold_back=bool(held))
