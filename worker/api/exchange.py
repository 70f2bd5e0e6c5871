"""One request and its answer: until when, by which address, and how far it has come. Whatever waits for the network looks here."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from worker.api.lookup import Address


class NoAnswerError(Exception):
    """A request came to no answer. `kind`: the cause in a word, see `failures`; `sent`: some of the request may have left."""

    def __init__(self, kind: str, *, sent: bool = False) -> None:
        super().__init__(kind)
        self.kind = kind
        self.sent = sent


@dataclass(slots=True)
class Exchange:
    """`ends`: monotonic seconds. `sent`: some of it may have left; `cut`: the peer has closed the connection."""

    ends: float
    address: Address | None = None
    sent: bool = False
    cut: bool = False

    def left(self, late: str) -> float:
        """Seconds that the next step may take; NoAnswerError of the kind `late` if there are none."""
        seconds = self.ends - time.monotonic()
        if seconds <= 0:
            raise NoAnswerError(late)
        return seconds


class Exchanges(threading.local):
    """The exchange that this thread is busy with: httpcore hands a deadline on to single steps alone."""

    now: Exchange

    @contextmanager
    def within(self, seconds: float) -> Iterator[Exchange]:
        """An exchange that must be over in so many seconds."""
        self.now = Exchange(time.monotonic() + seconds)
        try:
            yield self.now
        finally:
            del self.now
