"""A batch under way: from its lease to its last verdict; and a request of it that has left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from worker.api.outcome import Outcome
from worker.document.build import Built
from worker.settle.verdicts import (
    Absent,
    Buried,
    Claimed,
    Lease,
    PutBack,
    Sent,
    Superseded,
    Unchanged,
    Verdict,
    Verdicts,
)


class Ready(msgspec.Struct, frozen=True, gc=False):
    """A contact with its finished document. `is_shared`: another contact's document has one of its ids."""

    contact: Claimed
    document: Built
    is_shared: bool = False


@dataclass(slots=True, eq=False)
class BatchRun:
    """A batch under this worker's lease.

    `leased_at`: the database's clock then; its contacts are read later than that. `size`: contacts that the batch was cut with.
    `batch_limit`: what a 413 has taught, if anything. `slices`: still to post, the next one first. `unconfirmed`: refused singles,
    with the dead letters that they may become. `accepted`: whether anything of the batch was; `posted`: whether any request has left
    in this run; `late`: permits for which the next slice was too late. `is_over`: it has ended, waits elsewhere, or is no longer ours.
    `counts`, `outcome` and `paused`: what became of its contacts, its last answer, and the pause that began with it.
    """

    lease: Lease
    leased_at: datetime
    size: int
    probe: bool = False
    batch_limit: int | None = None
    slices: list[list[Ready]] = field(default_factory=list)
    unconfirmed: list[tuple[Claimed, Buried]] = field(default_factory=list)
    accepted: bool = False
    posted: bool = False
    late: int = 0
    is_over: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    outcome: str | None = None
    paused: str | None = None

    @property
    def id(self) -> int:
        """The batch's id."""
        return self.lease.batch

    @property
    def goes_on(self) -> bool:
        """Whether a slice of it is still to be posted."""
        return bool(self.slices) and not self.is_over

    @property
    def is_split(self) -> bool:
        """Whether it has to go on as it is: something of it is decided, or about to be."""
        return self.posted or bool(self.unconfirmed) or self.accepted or len(self.slices) > 1

    def note(self, verdicts: Verdicts) -> None:
        """Count what became of contacts of this batch, for its task's result."""
        self.counts.update(WORDS[type(verdict)] for _, verdict in verdicts if type(verdict) in WORDS)

    def rest(self) -> list[Claimed]:
        """Contacts that no request is deciding on right now."""
        return [item.contact for items in self.slices for item in items] + [contact for contact, _ in self.unconfirmed]


WORDS: dict[type[Verdict], str] = {
    Sent: "sent",
    Unchanged: "unchanged",
    Absent: "absent",
    Superseded: "superseded",
    Buried: "refused",
    PutBack: "put_back",
}
"""What a task's result calls the ends of contacts."""

Group = Sequence[BatchRun]
"""Batches of one project and method that are read, reserved and settled together; each is a request of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class SentRequest:
    """A request that has left: its batch, the slice in it, its id in `requests`, when it left (monotonic seconds), its answer."""

    run: BatchRun
    items: list[Ready]
    id: int
    left_at: float
    answer: Future[Outcome]


def ids(group: Iterable[BatchRun]) -> list[int]:
    """The batches' ids, for statements and for the log."""
    return [run.id for run in group]


def result_of(group: Group) -> dict[str, Any]:
    """What became of the batches, as their task's result: ids and counts only. `sent` means accepted."""
    counts: Counter[str] = Counter(dict.fromkeys(WORDS.values(), 0))
    for run in group:
        counts.update(run.counts)
    outcomes = [run.outcome for run in group if run.outcome]
    return {
        "project": group[0].lease.project.id,
        "method": group[0].lease.method.value,
        "batches": len(group),
        **counts,
        "outcome": outcomes[-1] if outcomes else None,
        "paused": next((run.paused for run in group if run.paused), None),
    }


def slices_of(ready: Sequence[Ready]) -> list[list[Ready]]:
    """The slices of a batch as its rows say, the first slice first."""
    slices: dict[int, list[Ready]] = {}
    for item in ready:
        slices.setdefault(item.contact.slice, []).append(item)
    return [slices[first] for first in sorted(slices)]
