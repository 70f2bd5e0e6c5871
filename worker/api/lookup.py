"""Looking up where a host is, within a time: getaddrinfo itself knows no time-out, so it runs in threads of its own."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from worker.config.hosts import as_address

MOST_THREADS = 4
"""Look-ups of one name under way at once: those that hang are not joined by ever more."""
SLOW = 3.0
"""Seconds after which a look-up that has not ended is no longer shared, but another one is begun."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect to: the socket's family, and the address as sockets take it."""

    family: int
    place: tuple[Any, ...]


@dataclass(slots=True)
class _Question:
    """A look-up under way, for all who wait for it. `found` is None after an error."""

    begun: float
    answered: threading.Event = field(default_factory=threading.Event)
    found: list[Address] | None = None


class Lookup:
    """Finds addresses, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[tuple[str, int], list[_Question]] = {}

    def find(self, host: str, port: int, seconds: float) -> list[Address] | None:
        """The addresses of a host, the system's preference first; none if it has none. None if that takes longer than `seconds`."""
        literal = as_address(host)
        if literal is not None:
            return [_address(str(literal), port, literal.version)]
        question = self._ask(host, port)
        if not question.answered.wait(seconds):
            return None
        return question.found or []

    def _ask(self, host: str, port: int) -> _Question:
        with self._lock:
            questions = self._open.setdefault((host, port), [])
            if questions and (len(questions) >= MOST_THREADS or time.monotonic() - questions[-1].begun < SLOW):
                return questions[-1]
            question = _Question(time.monotonic())
            questions.append(question)
        # A daemon: a look-up that hangs must not hold up the end of the process.
        threading.Thread(target=self._answer, args=(question, host, port), name="lookup", daemon=True).start()
        return question

    def _answer(self, question: _Question, host: str, port: int) -> None:
        try:
            question.found = _resolve(host, port)
        except (OSError, UnicodeError):
            question.found = None
        finally:
            with self._lock:
                self._open[host, port].remove(question)
            question.answered.set()


def _resolve(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(Address(family, place) for family, _, _, _, place in found))


def _address(host: str, port: int, version: int) -> Address:
    return Address(socket.AF_INET, (host, port)) if version == 4 else Address(socket.AF_INET6, (host, port, 0, 0))
