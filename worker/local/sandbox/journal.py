"""The log of requests, in memory and bounded, and what it comes to in figures."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice

import msgspec

from worker.local.sandbox.book import utc_now
from worker.local.sandbox.figures import LastMinute, Second
from worker.local.sandbox.wire import Ids


class Request(msgspec.Struct):
    """One request to the API.

    `at` is when it had arrived whole, by the wall clock; `arrived` and `finished` are the same clock's
    time.monotonic(), in seconds (`finished` is None while it is being answered). `status` is None until a
    whole answer was sent, and stays None if none ever was. `ids` are (externalId, leadId) of each entry,
    as far as they could be read; `size` is the body's bytes; `fault` the kind that was served.
    """

    number: int
    at: datetime
    arrived: float
    project: int | None
    method: str | None
    path: str
    entries: int
    ids: tuple[Ids, ...]
    size: int
    finished: float | None = None
    status: int | None = None
    accepted: bool = False
    fault: str | None = None


class Totals(msgspec.Struct, frozen=True):
    """Since the start or the last clearing; an error is a request of which nothing was accepted."""

    requests: int
    entries: int
    errors: int


class Journal:
    """The last requests: at most `most` of them, with at most `most_ids` ids. Safe to use from any thread."""

    def __init__(
        self,
        *,
        most: int = 200_000,
        most_ids: int = 2_000_000,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = utc_now,
    ) -> None:
        self._most, self._most_ids = most, most_ids
        self._monotonic, self._wall = monotonic, wall
        self._lock = threading.Lock()
        self._number = 0
        self._forget()

    def _forget(self) -> None:
        self._kept: deque[Request] = deque()
        self._kept_ids = 0
        self._requests = self._entries = self._errors = 0
        self._minute = LastMinute(self._monotonic)

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Request]:
        return iter(self.since(0))

    def open(self, project: int | None, method: str | None, path: str, ids: tuple[Ids, ...], size: int) -> Request:
        """Notes a request that has arrived; `finish` completes the note."""
        with self._lock:
            self._number += 1
            request = Request(self._number, self._wall(), self._monotonic(), project, method, path, len(ids), ids, size)
            self._kept.append(request)
            self._kept_ids += len(ids)
            self._requests += 1
            self._entries += len(ids)
            self._minute.request(len(ids))
            self._make_room()
        return request

    def _make_room(self) -> None:
        while len(self._kept) > self._most or (self._kept_ids > self._most_ids and len(self._kept) > 1):
            self._kept_ids -= len(self._kept.popleft().ids)

    def finish(self, request: Request, status: int | None) -> None:
        """Completes the note: the answer was sent (`status`), or it never will be (None)."""
        with self._lock:
            request.finished, request.status = self._monotonic(), status
            if not request.accepted:
                self._errors += 1
                self._minute.error()

    def since(self, number: int, limit: int | None = None) -> list[Request]:
        """The kept requests after `number`, the oldest first."""
        with self._lock:
            if not self._kept:
                return []
            start = max(0, number + 1 - self._kept[0].number)
            stop = None if limit is None else start + limit
            return list(islice(self._kept, start, stop))

    @property
    def last(self) -> int:
        """The number of the newest request."""
        return self._number

    def totals(self) -> Totals:
        """The figures since the start or the last clearing."""
        return Totals(self._requests, self._entries, self._errors)

    def minute(self) -> list[Second]:
        """The last sixty seconds, the oldest first; the second that is running is the last."""
        with self._lock:
            return self._minute.seconds()

    def clear(self) -> None:
        """Forgets the requests; their numbers go on."""
        with self._lock:
            self._forget()
