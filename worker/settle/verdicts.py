"""A lease, the contacts claimed under it, and what becomes of each: push decides it, `settle` writes it down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from models import DeadLetterReason, Identity, Method
from worker.config.model import Project


@dataclass(frozen=True, slots=True)
class Lease:
    """This worker's lease of a batch. `token` is the fencing token, which every later statement names.

    `ends`: by our monotonic clock, in seconds, rather a moment early than late. `address`: the id of the API's address that this worker
    posts to.
    """

    batch: int
    token: int
    project: Project
    method: Method
    ends: float
    address: int


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """A claimed contact, as its row in `in_flight` says. `in_flight_id` is its own, over all batches."""

    identity: Identity
    key: str
    batch: int
    in_flight_id: int
    slice: int
    source: str
    outbox_id: int
    payload: Any
    attempts: int
    lost_leases: int
    forced: bool
    refusal_status: int | None = None
    refusal_answer: str | None = None
    refusal_document: str | None = None
    first_failed_at: datetime | None = None


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

    reason: DeadLetterReason
    detail: str
    document: bytes | None = None
    answer: str | None = None
    status: int | None = None
    attempts: int | None = None


@dataclass(frozen=True, slots=True)
class PutBack:
    """Waits again: `after` seconds (0: may go now), with one attempt more if the try counted."""

    after: float
    counted: bool = False


@dataclass(frozen=True, slots=True)
class UnconfirmedRefusal:
    """A refused single, kept until it is known whether the API refuses everything."""

    status: int
    answer: str
    document: bytes


@dataclass(frozen=True, slots=True)
class Moved:
    """Stays in flight, in the slice of its batch that begins with the contact `slice` (an in-flight id)."""

    slice: int


Verdict = Sent | Unchanged | Absent | Superseded | Buried | PutBack | UnconfirmedRefusal | Moved
Verdicts = list[tuple[Claimed, Verdict]]
