"""One deadline over a whole request: httpcore's time-outs bound single reads and writes, and a server that answers byte by byte
could hold a request for ever."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

PIECE = 65_536
"""Bytes of a body that are written under one look at the clock."""


class DeadlineBackend(httpcore.SyncBackend):
    """Connections on which nothing lasts longer than the deadline of the thread that waits for it."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """What this thread sends and receives must be over in so many seconds; httpcore.TimeoutException otherwise."""
        self._of_thread.deadline = time.monotonic() + seconds
        try:
            yield
        finally:
            del self._of_thread.deadline

    def left(self, timeout: float | None, late: type[httpcore.TimeoutException] = httpcore.ReadTimeout) -> float:
        """Seconds that the next step may take; raises `late` where there are none."""
        seconds = float(self._of_thread.deadline) - time.monotonic()
        if seconds <= 0:
            raise late
        return seconds if timeout is None else min(seconds, timeout)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        stream = super().connect_tcp(
            host, port, self.left(timeout, httpcore.ConnectTimeout), local_address, socket_options
        )
        return _Stream(stream, self)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, backend: DeadlineBackend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            self._stream.write(buffer[start : start + PIECE], self._backend.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._backend.left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
