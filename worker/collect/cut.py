"""Cutting candidates into batches. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models import Priority


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contact that may go now. `row`: where it is in `pending` (a ctid), as long as it is locked."""

    row: str
    attempts: int = 0
    lost_leases: int = 0
    priority: int = Priority.LIVE


def width(attempts: int, lost_leases: int, batch_size: int, max_attempts: int) -> int:
    """How many may travel together with a contact that has `attempts` failed tries and `lost_leases` lost leases behind it.

    Two tries in full company; from the third on the company halves each time; the last try is made alone. So a contact on
    which the API breaks takes no other with it.
    """
    behind = attempts + lost_leases
    if attempts > 0 and attempts >= max_attempts - 1:
        return 1
    return batch_size if behind < 2 else max(1, batch_size >> (behind - 1))


def behind_live(candidates: Sequence[Candidate], batch_size: int, batches: int) -> list[Candidate]:
    """The candidates with at most so many batches' worth of what waits behind live changes, and those that fill the last live batch up.

    If that gets no batch, none of it fills up either: a few live changes alone are read and sent in less time.
    """
    live = [candidate for candidate in candidates if candidate.priority == Priority.LIVE]
    behind = [candidate for candidate in candidates if candidate.priority != Priority.LIVE]
    return live + behind[: -len(live) % batch_size + batches * batch_size if batches else 0]


def cut(candidates: Sequence[Candidate], *, batch_size: int, max_attempts: int, limit: int) -> list[list[Candidate]]:
    """At most `limit` batches, in the order of their first contacts within a width; widths take turns.

    Contacts of one width fill batches of that width, so that n fresh contacts make n / `batch_size` batches rounded up.
    """
    queues: dict[int, list[list[Candidate]]] = {}
    for candidate in candidates:
        size = width(candidate.attempts, candidate.lost_leases, batch_size, max_attempts)
        batches = queues.setdefault(size, [[]])
        if len(batches[-1]) == size:
            batches.append([])
        batches[-1].append(candidate)
    return _in_turns(list(queues.values()))[:limit]


def _in_turns(queues: list[list[list[Candidate]]]) -> list[list[Candidate]]:
    longest = max((len(queue) for queue in queues), default=0)
    return [queue[turn] for turn in range(longest) for queue in queues if turn < len(queue)]
