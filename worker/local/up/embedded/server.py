"""What the embedded servers share: one run per folder, a kept password and port, start until ready, stop."""

from __future__ import annotations

import fcntl
import os
import secrets
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import psutil

from worker.errors import ConfigError, SyncError
from worker.local.up.embedded import ports, processes

READY_WITHIN = 300.0  # seconds; the recovery after a crash replays up to a gigabyte of log
RETRY_FOR = 20.0  # seconds in which what a killed run left behind goes away by itself
KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "TZ")


class EmbeddedServer(ABC):
    """A server in a room of its own below the home folder, started and stopped any number of times.

    A folder in which another live process has started a server is refused. A server whose starter was killed
    is stopped and started anew. Not for several threads at once.
    """

    title: ClassVar[str]
    name: ClassVar[str]
    """The room's name below the home folder."""
    variable: ClassVar[str]
    """The setting that names another server in its stead."""
    first_port: ClassVar[int]
    farewell: ClassVar[processes.Farewell]

    def __init__(self, home: Path, *, port: int | None = None) -> None:
        """`home`: the folder of the embedded servers, made if missing.

        `port`: this one or none; left out, the one of the last run or else the next free one.
        """
        self.room = home.resolve() / self.name
        self.log = self.room / "server.log"
        self.password = ""
        self.port = 0
        self._wanted_port = port
        self._lock: int | None = None
        self._process: Any = None

    @property
    def pid(self) -> int | None:
        """The server's process while it runs."""
        return self._process.pid if self.alive() else None

    def alive(self) -> bool:
        """Whether the server that this object has started runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> str:
        """Run the server and return its URL, once it answers; at once if it runs already.

        Raises `SyncError`, with nothing left running, where another process uses the folder, the binaries are
        missing or the server does not come up; `ConfigError` if the folder can't be used.
        """
        if self.alive():
            return self.url()
        try:
            self._claim_room()
            self.password = self._kept_password()
            unclean = self._end_leftover()
            self._prepare()
            self._launch_until_ready(unclean)
            self._furnish()
        except OSError as error:
            self.stop()
            raise ConfigError(
                f"The embedded {self.title} cannot use {self.room}: {error}; {self._way_out()}."
            ) from error
        except BaseException:
            self.stop()
            raise
        return self.url()

    def stop(self) -> None:
        """End the server, politely first, and return when it has ended; without harm if none runs."""
        if self._process is not None and not processes.end(self._process, self.farewell):
            raise SyncError(f"The embedded {self.title} (process {self._process.pid}) does not end.")
        self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @abstractmethod
    def url(self) -> str:
        """Where clients connect, password included."""

    @abstractmethod
    def _prepare(self) -> None:
        """Whatever the first start needs, before a process runs."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The command line; it contains `_mark()` as an argument, and no secret."""

    @abstractmethod
    def _mark(self) -> str:
        """The argument by which a process is known as the server of this room."""

    @abstractmethod
    def _pid_file(self) -> Path:
        """Where the server records its process id in the first line."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the process just launched serves clients."""

    def _furnish(self) -> None:  # noqa: B027 - not every server needs it
        """Whatever needs the running server before others may use it."""

    def _account(self) -> dict[str, Any]:
        """As whom it runs: arguments for `Popen`; none where it runs as we do."""
        return {}

    def _claim_room(self) -> None:
        if self._lock is not None:
            return
        self.room.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = open_private(str(self.room / "lock"), os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the kernel lets go of it however its holder ends
        except BlockingIOError as error:
            os.close(lock)
            raise SyncError(
                f"Another process runs the embedded {self.title} in {self.room}: "
                "stop it, or set SYNC_HOME to another folder."
            ) from error
        self._lock = lock

    def _kept_password(self) -> str:
        path = self.room / "password"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text()

    def _launch_until_ready(self, unclean: bool) -> None:
        retry_until = time.monotonic() + RETRY_FOR
        while True:
            self.port = self._choose_port()
            log_start = self.log.stat().st_size if self.log.exists() else 0
            self._launch()
            if self._becomes_ready():
                write_private(self.room / "port", str(self.port))
                return
            # These pass: a killed server's children still hold its memory; somebody was faster at the port.
            passing = unclean or not ports.is_free(self.port)
            if not passing or time.monotonic() > retry_until:
                raise SyncError(f"The embedded {self.title} did not start: {self._last_words(log_start)}")
            time.sleep(0.1)
            unclean = self._end_leftover() or unclean

    def _end_leftover(self) -> bool:
        """End the server of a run that was killed; returns whether such a run has left its pid file."""
        pid_file = self._pid_file()
        pid = processes.recorded_pid(pid_file)
        if pid is None:
            return False
        leftover = processes.find(pid, self._mark())
        if leftover is None and psutil.pid_exists(pid):
            pid_file.unlink(missing_ok=True)  # PostgreSQL would take a stranger that bears the number now for its own
        if leftover is not None and not processes.end(leftover, self.farewell):
            raise SyncError(f"The embedded {self.title} of an earlier run (process {pid}) does not end.")
        return True

    def _choose_port(self) -> int:
        if self._wanted_port is not None:
            if not ports.is_free(self._wanted_port):
                raise SyncError(f"Port {self._wanted_port} for the embedded {self.title} is taken.")
            return self._wanted_port
        kept = self.room / "port"
        first = int(kept.read_text()) if kept.exists() else self.first_port
        port = ports.next_free(first)
        if port is None:
            raise SyncError(f"No port from {first} on is free for the embedded {self.title}.")
        return port

    def _launch(self) -> None:
        with open(self.log, "ab", opener=open_private) as log:
            self._process = psutil.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=server_environment(),
                cwd="/",  # ours may be out of the account's reach
                start_new_session=True,  # Ctrl-C is for us, who stop it after those who still use it
                **self._account(),
            )

    def _becomes_ready(self) -> bool:
        """Wait until it answers; False if it ended instead."""
        deadline = time.monotonic() + READY_WITHIN
        while self.alive():
            if self._answers():
                return True
            if time.monotonic() > deadline:
                raise SyncError(f"The embedded {self.title} does not get ready; see {self.log}.")
            time.sleep(processes.EVERY)
        return False

    def _last_words(self, log_start: int) -> str:
        """The line that says why, of those logged after byte `log_start`, and the log's place."""
        with self.log.open("rb") as log:
            log.seek(log_start)
            lines = log.read().decode(errors="replace").split("\n")
        words = [line.strip() for line in lines if line.strip()]
        fatal = [line for line in words if "fatal" in line.lower() or "panic" in line.lower()]
        return f"{(fatal or words[-1:] or ['it said nothing'])[0]} (see {self.log})"

    def _way_out(self) -> str:
        return f"set SYNC_HOME to a folder that this user may write to, or {self.variable} to your own server"


def open_private(path: str, flags: int) -> int:
    """An opener for `open` whose new files are their owner's alone."""
    return os.open(path, flags, 0o600)


def write_private(path: Path, text: str) -> None:
    """Put `text` into a file that only its owner may read; after a crash it is there whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with open(draft, "x", opener=open_private) as file:
        if os.geteuid() == 0:  # a user whose folder root works in for once can still read it afterwards
            folder = path.parent.stat()
            os.fchown(file.fileno(), folder.st_uid, folder.st_gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def server_environment() -> dict[str, str]:
    """What a server gets of our environment: no settings, for they hold secrets; its messages are English."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    # macOS starts threads in a program without a locale set, which PostgreSQL refuses.
    return {**kept, "LC_ALL": "C"}
