"""The sandbox as a server: in a thread of its own for tests, in the foreground for people."""

from __future__ import annotations

import asyncio
import random
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import Self

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from worker.errors import ConfigError
from worker.local.sandbox.book import Book, utc_now
from worker.local.sandbox.desk import Desk
from worker.local.sandbox.faults import Faults
from worker.local.sandbox.journal import Journal
from worker.local.sandbox.routes import Entrance
from worker.local.sandbox.rules import Limits

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
LIMITS = Limits(bytes=10_000_000)


class Sandbox:
    """The stand-in API at `url`, as a context manager or by `start` and `stop`.

    `port` 0 takes a free one, and keeps it over a restart. `keys` (project to auth key) are checked where
    given; without, any key will do. `history` keeps every accepted document. What exceeds `limits` is
    answered 413. `dice`, `monotonic` and `wall` are chance and the clocks.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        keys: Mapping[int, str] | None = None,
        history: bool = False,
        dice: random.Random | None = None,
        limits: Limits = LIMITS,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = utc_now,
    ) -> None:
        self.host, self.port = host, port
        self.book = Book(history=history, wall=wall)
        self.requests = Journal(monotonic=monotonic, wall=wall)
        self.faults = Faults(dice)
        self._keys = keys
        self._limits = limits
        self._sockets: list[socket.socket] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address, without a slash at its end: a base address for clients, and the page for people."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def bind(self) -> None:
        """Takes the port; ConfigError if it can't be used."""
        try:
            self._sockets = bind_sockets(self.port, self.host, backlog=1024)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise ConfigError(
                f"SANDBOX_PORT: port {self.port} of {self.host} can't be used ({why}); choose a free one."
            ) from error
        self.port = self._sockets[0].getsockname()[1]

    def start(self) -> None:
        """Listens, in a thread of its own; returns when requests are served. ConfigError: a taken port."""
        self.bind()
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self.run(ready.set)), name="sandbox", daemon=True)
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """Closes every connection and waits for the thread; what was accepted stays in the book."""
        if self._thread is None or self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def run(self, ready: Callable[[], object]) -> None:
        """Serves the bound sockets until told to stop; `ready` is called once requests are served."""
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = HTTPServer(Entrance(self._desk()))
        server.add_sockets(self._sockets)
        try:
            ready()
            await self._stopping.wait()
        finally:
            server.stop()
            await server.close_all_connections()

    def shut(self) -> None:
        """Tells `run` to return; only from within its own loop."""
        self._stopping.set()

    def _desk(self) -> Desk:
        return Desk(
            book=self.book,
            requests=self.requests,
            faults=self.faults,
            keys=self._keys,
            limits=self._limits,
            hosts=LOOPBACK if self.host in LOOPBACK else None,
            epoch=secrets.token_hex(4),
            stopping=self._stopping,
        )


def serve(port: int, host: str = "127.0.0.1") -> None:
    """Runs a sandbox in the foreground until SIGINT or SIGTERM; ConfigError if the port is taken."""
    sandbox = Sandbox(host=host, port=port)
    sandbox.bind()
    asyncio.run(_until_told(sandbox))


async def _until_told(sandbox: Sandbox) -> None:
    loop = asyncio.get_running_loop()
    with ExitStack() as handled:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, sandbox.shut)
            handled.callback(loop.remove_signal_handler, number)
        await sandbox.run(lambda: _announce(sandbox))


def _announce(sandbox: Sandbox) -> None:
    sys.stderr.write(f"Sandbox: the API and its contact book are at {sandbox.url} (Ctrl-C stops it)\n")
    sys.stderr.flush()
