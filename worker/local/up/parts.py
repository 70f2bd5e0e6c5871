"""The long-running parts as processes: each is started, and started again when it dies."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

SHORTEST_RUN = 10.0
"""Seconds; a part that dies sooner is started again later and later."""
LONGEST_WAIT = 30.0
GRACE = 20.0
"""Seconds that a part has for an orderly end."""
PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Part:
    """One of our own commands as a process. `say` gets each line that it writes."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    say: Callable[[str, str], None]
    _process: subprocess.Popen[str] | None = None
    _started: float = 0.0
    _deaths: int = 0
    _next: float = 0.0
    _reader: threading.Thread | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it, in a session of its own: Ctrl-C is for the supervisor, which ends the parts in order."""
        self._started = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-P", "-m", "worker", *self.arguments],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no thread of ours holds a lock here
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def keep_alive(self) -> None:
        """Start it again if it has died; after half a second, and after longer and longer waits if it dies soon after its start."""
        if self._process is None or self._process.poll() is None:
            return
        now = time.monotonic()
        if self._next == 0.0:
            quick = now - self._started < SHORTEST_RUN
            self._deaths = self._deaths + 1 if quick else 0
            self._next = now + min(LONGEST_WAIT, 0.5 * 2.0**self._deaths)
            self.say(self.name, f"ended with {self._process.returncode}; it is started again")
        if now >= self._next:
            self._next = 0.0
            self.start()

    def end(self) -> None:
        """Ask it to end, and make it end when its grace is over."""
        if self._process is None:
            return
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()
        # Grandchildren of a part that was killed from outside live in its session still.
        self._signal(signal.SIGKILL, whole_session=True)
        if self._reader is not None:
            self._reader.join(1.0)

    def _signal(self, number: signal.Signals, *, whole_session: bool = False) -> None:
        if self._process is None:
            return
        try:
            if whole_session:
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)
        except ProcessLookupError:
            return

    def _read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self.say(self.name, line.rstrip())


def _die_with_parent() -> None:
    """A supervisor killed by `kill -9` leaves no part behind (Linux)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
