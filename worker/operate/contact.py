"""The story of one contact: what the mapping returns for it now, where it waits, and why it is, or is not, on the telephone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from models import DeadLetterReason
from worker.config.model import Mapping, Source
from worker.database.sql import sql
from worker.document.build import Built
from worker.operate.dead_letters import FIXES
from worker.operate.times import iso
from worker.projects.routes import routes_of
from worker.push.documents import build_one
from worker.read.projects import Read, project_of
from worker.read.reader import Found
from worker.settle.verdicts import Absent, Buried, Verdict

READY, ABSENT = "ready", "absent"


@dataclass(frozen=True, slots=True)
class Story:
    """What is known of a contact. `same`: whether what was last accepted equals what it is now."""

    source: Source
    key: str
    state: str
    detail: str | None
    document: dict[str, Any] | None
    row: Row[Any]
    same: bool

    @property
    def waits(self) -> bool:
        """Whether a change of it waits."""
        return bool(self.row.is_pending or self.row.is_arriving)

    def as_json(self) -> dict[str, Any]:
        """The shape that scripts rely on."""
        row = self.row
        letter = None
        if row.dead_letter is not None:
            letter = {"id": str(row.dead_letter), "reason": row.dead_letter_reason, "detail": row.dead_letter_detail}
        return {
            "source": self.source.name,
            "key": self.key,
            "project": self.source.project,
            "method": self.source.method.value,
            "mapped": {"state": self.state, "detail": self.detail},
            "document": self.document,
            "waiting": self.waits,
            "in_flight": bool(row.is_in_flight),
            "accepted": {"at": iso(row.accepted_at), "same": self.same} if row.accepted_at else None,
            "letter": letter,
            "verdict": self.verdict(),
        }

    def verdict(self) -> str:
        """Why it is, or is not, on the telephone: one sentence."""
        return self._on_its_way() or self._at_rest()

    def _on_its_way(self) -> str | None:
        row = self.row
        if row.is_in_flight:
            return f"It is being sent just now, in batch {row.batch_id}."
        if not self.waits:
            return None
        if row.pause:
            return f"It waits, as project {self.source.project} is paused ({row.pause}): {row.pause_detail}"
        if row.is_pending and row.due_at:
            return f"It waits for its next try at {iso(_whole(row.due_at))}, after {row.attempts} failed tries."
        return "It waits to be sent; if that lasts, see `ringostat-sync health`."

    def _at_rest(self) -> str:
        row = self.row
        if self.state == ABSENT:
            return self._absent()
        if self.state != READY:
            return f"It is not sent, as it can't be ({self.state}): {self.detail}"
        if row.accepted_at and self.same:
            return f"It is on the telephone as it is in the CRM; accepted {iso(_whole(row.accepted_at))}."
        if row.dead_letter is not None:
            why = f"dead letter {row.dead_letter} says ({row.dead_letter_reason}): {row.dead_letter_detail}"
            return f"It is not sent, as {why} To do: {FIXES[DeadLetterReason(row.dead_letter_reason)]}."
        older, never = "The telephone may show an older state", "It is not on the telephone: it was never sent"
        told = older if row.accepted_at else never
        return f"{told}, and no change of it waits: run `ringostat-sync reconcile {self.source.name}`."

    def _absent(self) -> str:
        gone = "The mapping does not return this key: the contact is gone from the CRM, or the query leaves it out"
        if self.row.accepted_at:
            return f"{gone}. The telephone still shows its last state, as the API has no delete."
        return f"It is not on the telephone. {gone}."


def read_story(connection: Connection, mapping: Mapping, source: Source, key: str, read: Read, address: int) -> Story:
    """Read a contact through the mapping, and where it is. `address`: the id of the API's address that documents go to now.

    Of a routed source it is the contact of the project that its row names, or else of the one that had it last.
    """
    source = source.of(_project(connection, mapping, source, key, read))
    result = build_one(mapping, source, key, read)
    lane = {"project": source.project, "method": source.method, "identity": source.identity}
    alike = [other.name for other in mapping.alike(source.project, source.method, source.identity)]
    row = connection.execute(sql(__package__, "contact"), {**lane, "key": key, "sources": alike}).one()
    state, detail = _state(result)
    document = json.loads(result.body) if isinstance(result, Built) else None
    same = isinstance(result, Built) and row.digest is not None and bytes(row.digest) == result.digest
    return Story(source, key, state, detail, document, row, same=same and row.address == address)


def _project(connection: Connection, mapping: Mapping, source: Source, key: str, read: Read) -> int:
    if not source.routed:
        return source.project
    found = read(source, [key])[key]
    if isinstance(found, Found) and found.rows:
        return project_of(mapping, source, found.rows[0])
    return next(iter(routes_of(connection, source, [key])), (key, source.project))[1]


def _state(result: Built | Verdict) -> tuple[str, str | None]:
    if isinstance(result, Built):
        return READY, None
    if isinstance(result, Absent):
        return ABSENT, None
    if isinstance(result, Buried):
        return result.reason.value, result.detail
    raise AssertionError(f"no story is told of {type(result).__name__}")


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
