"""A batch under its lease, its contacts, and what became of each: what push hands to `settle`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from models import Identity, LetterReason
from worker.config.model import Method, Project
from worker.document.build import Built


@dataclass(frozen=True, slots=True)
class Leased:
    """A batch under this worker's lease. `token` is its fencing token; `batch_limit` what a 413 has taught, if anything.

    `taken_at`: the database's clock when it was taken; its contacts are read later than that. `lease_ends`: by our monotonic clock, in
    seconds, rather a moment early than late.
    """

    id: int
    token: int
    project: Project
    method: Method
    size: int
    probe: bool
    accepted: bool
    batch_limit: int | None
    taken_at: datetime
    lease_ends: float


Convoy = list[Leased]
"""Batches of one project and method that are read, held and settled together; each is a request of its own."""


class Contact(msgspec.Struct, frozen=True, gc=False):
    """A contact in flight, as its row says. `place` is its own, over all batches."""

    identity: Identity
    key: str
    batch: int
    place: int
    part: int
    source: str
    outbox_id: int
    payload: Any
    attempts: int
    losses: int
    forced: bool
    suspect_status: int | None = None
    suspect_answer: str | None = None
    suspect_document: str | None = None


class Ready(msgspec.Struct, frozen=True, gc=False):
    """A contact with its finished document. `is_shared`: another contact's document bears one of its ids."""

    contact: Contact
    document: Built
    is_shared: bool = False


class Sent(msgspec.Struct, frozen=True, gc=False):
    """Accepted by the API: its digest is what the API holds. `overwrites`: another contact's document bore one of its ids."""

    digest: bytes
    external_id: str | None
    lead_id: str | None
    overwrites: bool = False


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The document equals the last one accepted; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Absent:
    """The mapping does not return it; the API has no delete."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """A payload older than what was accepted."""


@dataclass(frozen=True, slots=True)
class Buried:
    """A dead letter: the reason, a sentence without values, the document, and the API's answer."""

    reason: LetterReason
    detail: str
    document: bytes | None = None
    answer: str | None = None
    status: int | None = None
    attempts: int | None = None


@dataclass(frozen=True, slots=True)
class PutBack:
    """Waits again: `after` seconds (0: may go now), with one attempt more where the try counted."""

    after: float
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Suspect:
    """A refused single, kept until it is known whether the API refuses everything."""

    status: int
    answer: str
    document: bytes


@dataclass(frozen=True, slots=True)
class Moved:
    """Stays in flight, in the part of its batch that begins at `part`."""

    part: int


Verdict = Sent | Unchanged | Absent | Superseded | Buried | PutBack | Suspect | Moved
Verdicts = list[tuple[Contact, Verdict]]
