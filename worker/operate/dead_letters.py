"""Dead letters: list, show, requeue, discard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from models import DeadLetterReason
from worker.config.settings import BIGINT
from worker.database.sql import sql
from worker.errors import RefusedError
from worker.failpoints import Failpoint, hit
from worker.operate.message import cause, message
from worker.operate.times import iso


@dataclass(frozen=True, slots=True)
class OpenDeadLetter:
    """An open dead letter as the list shows it: ids and reasons, no personal data. `message`: the API's own words."""

    id: str
    project: int
    method: str
    source: str
    key: str
    reason: str
    detail: str
    attempts: int
    http_status: int | None
    first_failed_at: str
    last_failed_at: str
    message: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The shape that scripts rely on."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which open dead letters; None does not narrow. `since`: those that failed at that moment or later."""

    project: int | None = None
    source: str | None = None
    reason: DeadLetterReason | None = None
    key: str | None = None
    since: datetime | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Open dead letters of one cause: how many, and some of their ids. `fix` says what to do about them."""

    reason: str
    cause: str
    count: int
    ids: list[str]
    fix: str

    def as_json(self) -> dict[str, Any]:
        """The shape that scripts rely on."""
        return asdict(self)


FIXES = {
    DeadLetterReason.INVALID: "correct the contact in the CRM, or the query",
    DeadLetterReason.NO_DIRECTIONS: "give the contact a number or an address that can be read",
    DeadLetterReason.DUPLICATE_KEY: "let the query return each key once",
    DeadLetterReason.MAPPING_ERROR: "correct the value in the CRM, or the query that fails on it",
    DeadLetterReason.REFUSED: "correct what the API names, then requeue",
    DeadLetterReason.TOO_LARGE: "give the contact fewer numbers or organizations",
    DeadLetterReason.ATTEMPTS: "requeue; if it fails again, ask Ringostat's support about this contact",
}
EXAMPLES = 5


def list_dead_letters(connection: Connection, chosen: Filter = Filter()) -> list[OpenDeadLetter]:
    """The chosen open dead letters, oldest first."""
    return [_dead_letter(row) for row in connection.execute(sql(__package__, "list_dead_letters"), asdict(chosen))]


def group_dead_letters(found: Sequence[OpenDeadLetter], examples: int = EXAMPLES) -> list[Cause]:
    """Dead letters by cause, the most frequent first: the API's words if it had any, else ours, without what differs."""
    groups: dict[tuple[str, str], list[str]] = {}
    for dead_letter in found:
        words = cause(dead_letter.message or dead_letter.detail)
        groups.setdefault((dead_letter.reason, words), []).append(dead_letter.id)
    causes = [
        Cause(reason, words, len(ids), ids[:examples], FIXES[DeadLetterReason(reason)])
        for (reason, words), ids in groups.items()
    ]
    return sorted(causes, key=lambda group: (-group.count, group.reason, group.cause))


def show_dead_letter(connection: Connection, dead_letter_id: int) -> dict[str, Any]:
    """All of a dead letter, with its document and the API's answer. Raises RefusedError if there is none."""
    row = connection.execute(sql(__package__, "show_dead_letter"), {"id": dead_letter_id}).one_or_none()
    if row is None:
        raise RefusedError(
            f"There is no dead letter {dead_letter_id}: `ringostat-sync dead-letters list` shows the open ones."
        )
    more = {"state": row.state, "document": row.document, "payload": row.payload, "answer": row.answer}
    return _dead_letter(row).as_json() | more


def requeue_dead_letters(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Send the contacts of open dead letters again: read anew, or with their payload. Raises RefusedError on an id that is not open.

    Each keeps its place among its contact's changes: a newer one that waits already is not overwritten.
    """
    return _move(connection, "requeue", ids)


def discard_dead_letters(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Give open dead letters up. Raises RefusedError on an id that is not open."""
    return _move(connection, "discard", ids)


def _move(connection: Connection, step: str, ids: Sequence[int]) -> list[int]:
    wanted = list(dict.fromkeys(ids))
    possible = [dead_letter for dead_letter in wanted if abs(dead_letter) <= BIGINT]
    moved = sorted(connection.execute(sql(__package__, step), {"ids": possible}).scalars())
    hit(Failpoint.REQUEUEING)
    if missing := sorted(set(wanted) - set(moved)):
        raise RefusedError(
            f"No open dead letter has the id {missing[0]}: `ringostat-sync dead-letters list` shows them."
        )
    return moved


def _dead_letter(row: Row[Any]) -> OpenDeadLetter:
    return OpenDeadLetter(
        id=str(row.id),
        project=row.project,
        method=row.method,
        source=row.source,
        key=row.key,
        reason=row.reason,
        detail=row.detail,
        attempts=row.attempts,
        http_status=row.http_status,
        first_failed_at=iso(row.first_failed_at),
        last_failed_at=iso(row.last_failed_at),
        message=message(row.answer, row.document),
    )
