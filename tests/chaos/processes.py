"""Our own commands as processes under a supervisor, as `up`, Docker or systemd would run them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]


@dataclass
class Process:
    """One long-running part; its lines go to a file."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    popen: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.armed", *self.arguments],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        assert self.popen is not None
        return self.popen.pid

    def alive(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def children(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """`kill -9` of the process itself; its children are left to themselves."""
        os.kill(self.pid, signal.SIGKILL)

    def end(self) -> None:
        """End the whole session, and wait."""
        if self.popen is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.popen.wait()


class Supervisor:
    """Starts again whatever has died, at once."""

    def __init__(self, processes: list[Process]) -> None:
        self.processes = processes
        self._absent = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        for process in self.processes:
            process.start()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        for process in self.processes:
            process.end()

    @contextmanager
    def without(self, kind: str) -> Iterator[None]:
        """End all processes of a kind, and start none of them again until the end."""
        self._absent = kind
        try:
            for process in self.processes:
                if process.arguments[0] == kind:
                    process.end()
            yield
        finally:
            self._absent = ""

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            for process in self.processes:
                if not process.alive() and process.arguments[0] != self._absent:
                    process.start()
