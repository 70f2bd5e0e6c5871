"""Parts: which of our processes live, and what is wrong with them. What decides that is pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from worker.database.sql import sql
from worker.operate.problem import Problem
from worker.operate.pulse import STUCK_AFTER
from worker.operate.times import iso

MISSING_AFTER = 30.0
"""Seconds without a sign of life after which a process is missing."""
NEEDED = ("worker", "beat", "listen")
"""Roles without which the job does not run; the others are missed only once they have been there."""
SENDING = ("worker", "beat", "listen")
"""Roles that must have the same settings; the version and the mapping must be everybody's, as whichever is alive looks for problems."""


@dataclass(frozen=True, slots=True)
class Part:
    """A process of ours. `seen_s`, `idle_s`: seconds since its last sign of life, and since it last got on with its work."""

    role: str
    name: str
    version: str
    mapping: str
    settings: str
    started_at: datetime
    seen_s: float
    idle_s: float
    is_replaced: bool
    has_ended: bool

    @property
    def lives(self) -> bool:
        """Whether it has been seen lately, and has not ended since."""
        return self.seen_s <= MISSING_AFTER and not self.has_ended

    def as_json(self) -> dict[str, Any]:
        """The shape that scripts rely on."""
        return {
            "role": self.role,
            "name": self.name,
            "version": self.version,
            "mapping": self.mapping,
            "started_at": iso(self.started_at),
            "seen_s": round(max(self.seen_s, 0.0), 1),
        }


def read_parts(connection: Connection) -> list[Part]:
    """Every process that lives or was lost within the last ten minutes, but for those that another has replaced.

    And those that have just ended in order: a successor may be about to start.
    """
    found = [Part(*row) for row in connection.execute(sql(__package__, "parts"), {"waited_for": MISSING_AFTER})]
    return [part for part in found if part.lives or not part.is_replaced]


def problems_of_parts(parts: Sequence[Part]) -> Iterator[Problem]:
    """What is missing, stuck, or runs something else than its fellows."""
    there = {part.role for part in parts if part.lives or part.has_ended}
    missing = [role for role in NEEDED if role not in there]
    parts = [part for part in parts if not part.has_ended]
    for role in missing:
        yield Problem(f"missing:{role}", _missing(role, [part for part in parts if part.role == role]))
    for part in parts:
        if not part.lives and part.role in missing:
            continue  # it stands in the sentence on its role
        if not part.lives:
            told = f"{part.role} {part.name} has not been seen for {part.seen_s:.0f} s: start it again, or see its log."
            yield Problem(f"lost:{part.role}:{part.name}", told)
        elif part.idle_s > STUCK_AFTER:
            told = f"{part.role} {part.name} lives, but has done nothing for {part.idle_s:.0f} s: see that Redis answers, else restart it."
            yield Problem(f"stuck:{part.role}:{part.name}", told)
    living = [part for part in parts if part.lives]
    sending = [part for part in living if part.role in SENDING]
    for what, alike in (("version", living), ("mapping", living), ("settings", sending)):
        if len(values := {getattr(part, what) for part in alike}) > 1:
            who = ", ".join(f"{part.role} {part.name}: {getattr(part, what)}" for part in alike)
            told = f"The processes run {len(values)} different {_named(what)} ({who}): restart the older ones."
            yield Problem(f"differs:{what}", told)


def _missing(role: str, lost: Sequence[Part]) -> str:
    seen = ", ".join(f"{part.name} was last seen {part.seen_s:.0f} s ago" for part in lost)
    if not lost:
        return f"No {role} is running: start `ringostat-sync {role}`."
    return f"No {role} is running ({seen}): start `ringostat-sync {role}` again, and see its log for why it ended."


def _named(what: str) -> str:
    return {"version": "versions", "mapping": "mappings", "settings": "settings"}[what]
