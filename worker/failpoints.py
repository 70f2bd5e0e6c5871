"""Failpoints: named points on the way of a change, at which a test can end, stop or turn the process. Otherwise nothing happens there."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Failpoint(StrEnum):
    """In the order in which a change passes them."""

    WOKEN = "woken"
    """A project's wake is claimed; its message is not sent yet."""
    INGESTING = "ingesting"
    """Rows have left the outbox; not yet committed."""
    FANNED_OUT = "fanned_out"
    """A chunk of the contacts that a changed row concerns waits; the rest of them don't yet."""
    CLAIMED = "claimed"
    """Contacts are in flight; their batch's message is not sent yet."""
    LEASED = "leased"
    """A push has taken its batch."""
    READ = "read"
    """Its contacts are read, and their documents built."""
    RESERVED = "reserved"
    """Their ids on the wire are taken."""
    PERMITTED = "permitted"
    """The rate limit lets the request out; the lease is not yet checked again."""
    OPENED = "opened"
    """The last check is passed and the request written down; no byte has left."""
    ANSWERED = "answered"
    """The API has answered; nothing of it is written down."""
    SETTLING = "settling"
    """The answer is written down; not yet committed."""
    SETTLED = "settled"
    """It is committed; the batch may have more slices to post."""
    TAKING_BACK = "taking_back"
    """A batch whose lease was over is taken back; not yet committed."""
    REQUEUEING = "requeueing"
    """Dead letters are requeued or discarded; not yet committed."""
    COMPARED = "compared"
    """A chunk of a walk is compared, and what differs is written down."""
    RECONCILED = "reconciled"
    """All contacts are compared; those that differ don't wait yet."""
    FILLED = "filled"
    """A chunk of a backfill waits; the rest does not yet."""


_act: Callable[[Failpoint], None] | None = None


def hit(point: Failpoint) -> None:
    """Say that `point` is reached."""
    if _act is not None:
        _act(point)


def arm(act: Callable[[Failpoint], None] | None) -> None:
    """Have `act` called at each point, in this process and those forked from it; None disarms."""
    global _act  # noqa: PLW0603 - one process has one way, and only a test arms it
    _act = act
