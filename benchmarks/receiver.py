"""The API's stand-in: HTTP/1.1 with keep-alive in a process of its own, so cheap that it is never what is measured.

Bodies are kept as bytes and read after the run.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec

LATENCY = 0.020
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n" + b'{"success":true}'
FAULTS = {
    429: b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
    500: b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
}


@dataclass(frozen=True, slots=True)
class Request:
    """When its last byte was here and when it was answered (monotonic seconds), how many contacts, and the body where kept."""

    arrived: float
    answered: float
    status: int
    contacts: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Options:
    """`latency`: seconds; `faults`: share of requests answered with 429 or 500; `keep`: whether bodies are kept."""

    latency: float = LATENCY
    faults: float = 0.0
    keep: bool = True


class Receiver:
    """The process, from `with` to its end. `url` is where it listens."""

    def __init__(self, options: Options | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        # Requests and contacts so far, and when the last request came; read without a lock, as they are only watched.
        self._figures = context.Array("d", [0.0] * 3, lock=False)
        self._process = context.Process(
            target=_run, args=(options or Options(), theirs, self._figures), daemon=True, name="receiver"
        )
        self.url = ""

    def __enter__(self) -> Receiver:
        self._process.start()
        self.url = f"http://127.0.0.1:{self._pipe.recv()}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    @property
    def requests(self) -> int:
        """How many have come since the last `take`."""
        return int(self._figures[0])

    @property
    def contacts(self) -> int:
        """How many contacts were in them."""
        return int(self._figures[1])

    def take(self) -> list[Request]:
        """What has come since the last `take`, in the order of arrival; what is still waiting for its answer stays."""
        self._pipe.send(None)
        found: list[Request] = self._pipe.recv()
        return sorted(found, key=lambda request: request.arrived)

    def wait(self, requests: int = 1, timeout: float = 120.0) -> None:
        """Return when so many have come. Raises TimeoutError."""
        end = time.monotonic() + timeout
        while self.requests < requests:
            if time.monotonic() > end:
                raise TimeoutError(f"{self.requests} of {requests} requests came within {timeout:g} s.")
            time.sleep(0.002)

    def wait_for_quiet(self, seconds: float, timeout: float = 900.0) -> None:
        """Return when nothing has come for so long. Raises TimeoutError."""
        begun = time.monotonic()
        while time.monotonic() - max(self._figures[2], begun) < seconds:
            if time.monotonic() - begun > timeout:
                raise TimeoutError(f"The receiver was still busy after {timeout:g} s.")
            time.sleep(0.05)


def states(requests: Sequence[Request]) -> dict[str, list[tuple[float, int]]]:
    """(arrival, version) of every state that was accepted, by contact, in the order of arrival."""
    found: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for request in requests:
        if request.status == 200:
            for key, version in _versions(request.body):
                found[key].append((request.arrived, version))
    return dict(found)


def older_after_newer(found: dict[str, list[tuple[float, int]]]) -> int:
    """How often a contact was given an older state than it had."""
    return sum(later < earlier for each in found.values() for (_, earlier), (_, later) in pairwise(each))


def _versions(body: bytes) -> Iterator[tuple[str, int]]:
    for contact in msgspec.json.decode(body)["contacts"]:
        yield contact["externalId"], int(contact["fullName"].rpartition(" v")[2])


def _run(options: Options, pipe: Any, figures: Any) -> None:
    asyncio.run(_serve(options, pipe, figures))


async def _serve(options: Options, pipe: Any, figures: Any) -> None:
    loop = asyncio.get_running_loop()
    done: list[Request] = []
    dice = random.Random(1)
    server = await loop.create_server(lambda: _Connection(options, done, figures, dice), "127.0.0.1", 0, backlog=256)

    def hand_over() -> None:
        try:
            pipe.recv()
        except EOFError:  # whoever asked has gone
            loop.stop()
            return
        pipe.send(done)
        done.clear()
        figures[0] = figures[1] = 0

    loop.add_reader(pipe.fileno(), hand_over)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


class _Connection(asyncio.Protocol):
    """One kept-alive connection; one request at a time, as our clients don't pipeline."""

    def __init__(self, options: Options, done: list[Request], figures: Any, dice: random.Random) -> None:
        self._options, self._done, self._figures, self._dice = options, done, figures, dice
        self._buffer = bytearray()
        self._body = self._end = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._end:
            headers = self._buffer.find(b"\r\n\r\n")
            if headers < 0:
                return
            self._body = headers + 4
            self._end = self._body + _content_length(bytes(self._buffer[:headers]))
        if len(self._buffer) >= self._end:
            body = bytes(self._buffer[self._body : self._end])
            self._buffer.clear()
            self._end = 0
            self._received(body)

    def _received(self, body: bytes) -> None:
        arrived = time.monotonic()
        contacts = body.count(b'"contactDirections"')
        self._figures[0] += 1
        self._figures[1] += contacts
        self._figures[2] = arrived
        status = self._dice.choice((429, 500)) if self._dice.random() < self._options.faults else 200
        kept = body if self._options.keep else b""
        asyncio.get_running_loop().call_later(self._options.latency, self._answer, arrived, status, contacts, kept)

    def _answer(self, arrived: float, status: int, contacts: int, body: bytes) -> None:
        self._transport.write(OK if status == 200 else FAULTS[status])
        self._done.append(Request(arrived, time.monotonic(), status, contacts, body))


def _content_length(headers: bytes) -> int:
    return int(headers.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
