"""Answers that no API should give, over real sockets: each is an outcome, in time, and takes no memory."""

from __future__ import annotations

import gzip
import itertools
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.peers import Server, post, read_head, read_request
from worker.api.client import ApiClient
from worker.api.outcome import Accepted, Failed, Outcome, Refused, Throttled, Unauthorized, Unexpected

OUTCOMES = (Accepted, Failed, Refused, Throttled, Unauthorized, Unexpected)
LITTLE = 5_000_000
"""Bytes that a request and its answer may take."""


@pytest.fixture
def ask() -> Iterator[Callable[..., Outcome]]:
    """What a request comes to where the server sends these pieces; within a second, and without taking much memory."""
    servers = []

    def ask(pieces: Iterator[bytes] | list[bytes]) -> Outcome:
        def handle(connection: socket.socket) -> None:
            read_request(connection)
            for piece in pieces:
                connection.sendall(piece)

        server = Server(handle)
        servers.append(server)
        begun = time.monotonic()
        with ApiClient(f"http://127.0.0.1:{server.port}", 1.0) as client:
            tracemalloc.start()
            outcome = post(client)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert time.monotonic() - begun < 10.0
        assert most < LITTLE
        return outcome

    yield ask
    for server in servers:
        server.close()


def whole(status: int, body: bytes, *headers: bytes) -> list[bytes]:
    lines = [b"HTTP/1.1 %d X" % status, b"Content-Length: %d" % len(body), *headers]
    return [b"\r\n".join(lines) + b"\r\n\r\n" + body]


@cache
def bomb(layers: int) -> bytes:
    content = b" " * 100_000_000
    for _ in range(layers):
        content = gzip.compress(content)
    return content


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_bomb_is_no_answer(ask: Callable[..., Outcome], layers: int) -> None:
    """A few kilobytes that would be a hundred megabytes: what the API has made of the request is unknown."""
    encoding = b"Content-Encoding: " + b", ".join([b"gzip"] * layers)

    assert ask(whole(200, bomb(layers), encoding)) == Failed("answer_too_large", unknown=True, status=200)


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Unauthorized), (422, Refused), (413, Refused), (404, Unexpected), (500, Failed)]
)
def test_a_status_that_says_enough_needs_no_body(ask: Callable[..., Outcome], status: int, kind: type[Outcome]) -> None:
    """However large or unreadable that is."""
    for body, encoding in ((bomb(2), b"gzip, gzip"), (b"\x8b" * 9, b"br"), (b"x" * 500_000, b"identity")):
        outcome = ask(whole(status, body, b"Content-Encoding: " + encoding))

        assert isinstance(outcome, kind)
        assert outcome.status == status


def test_no_encoding_is_asked_for() -> None:
    """So that nobody has a reason to compress."""
    heads = []

    def handle(connection: socket.socket) -> None:
        heads.append(read_head(connection))
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    server = Server(handle)
    with ApiClient(f"http://127.0.0.1:{server.port}", 1.0) as client:
        post(client)
    server.close()

    assert b"accept-encoding: identity\r\n" in heads[0].lower()


START = b"HTTP/1.1 200 OK\r\n"
CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("pieces", "kind"),
    [
        (lambda: itertools.chain([START], itertools.repeat(b"X: y\r\n")), "bad_answer"),
        (lambda: itertools.chain([START + b"X: "], itertools.repeat(b"y" * 1000)), "bad_answer"),
        (lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"), "read_timeout"),
        (lambda: itertools.chain([CHUNKED], itertools.repeat(b"64\r\n" + b"x" * 100 + b"\r\n")), "answer_too_large"),
        (lambda: itertools.chain([CHUNKED + b"1;"], itertools.repeat(b"x" * 1000)), "bad_answer"),
        (lambda: itertools.chain([CHUNKED + b"0\r\n"], itertools.repeat(b"X: y\r\n")), "bad_answer"),
        (lambda: itertools.chain([START + b"\r\n"], itertools.repeat(b"x" * 1000)), "answer_too_large"),
        (lambda: [START + b"Content-Length: 99999999999999999999\r\n\r\n", b"x" * 100_000], "answer_too_large"),
        (lambda: [START + b"Content-Length: -1\r\n\r\n"], "bad_answer"),
        (lambda: [START + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx"], "bad_answer"),
        (lambda: [START + b"Transfer-Encoding: gzip, chunked\r\n\r\n"], "bad_answer"),
        (lambda: [CHUNKED, b"ffffffffffffffffffffffff\r\n"], "bad_answer"),
        (lambda: [b"HTTP/1.1 000 Nothing\r\n\r\n"], "bad_answer"),
        (lambda: [b"HTTP/3 200 OK\r\n\r\n"], "bad_answer"),
        (lambda: [b"\x00" * 10_000], "bad_answer"),
        (lambda: [b"\r\n" * 1000], "bad_answer"),
    ],
    ids=range(16),
)
def test_an_answer_that_is_none(ask: Callable[..., Outcome], pieces: Callable[[], Iterator[bytes]], kind: str) -> None:
    """Endless headers, bodies, chunks, and what is no HTTP at all."""
    outcome = ask(pieces())

    assert isinstance(outcome, Failed)
    assert (outcome.kind, outcome.unknown) == (kind, True)


@pytest.mark.parametrize(
    "headers",
    [
        [b"Retry-After: " + b"9" * 90_000],
        [b"Retry-After: Tue, 24 Nov 2026 12:00:30 +99999999999999999999", b"Date: \xff\xfe"],
        [b"Retry-After: 1", b"Retry-After: 2", b"Date: x", b"Date: y"],
        [b"Set-Cookie: \xff=\xff; expires=never; domain=..", b"Content-Type: \xff/\xff; charset=\xff"],
        [b"Location: \xff", b"X-\x7f: y"],
    ],
    ids=range(5),
)
@pytest.mark.parametrize("status", [200, 301, 429, 503, 999])
def test_headers_are_never_too_strange(ask: Callable[..., Outcome], headers: list[bytes], status: int) -> None:
    """Whatever they hold."""
    outcome = ask(whole(status, b"{}", *headers))

    assert isinstance(outcome, OUTCOMES)


@pytest.fixture(scope="module")
def echo() -> Iterator[tuple[Server, ApiClient]]:
    """A server that answers what its `handle` is given, and a client of it."""
    server = Server(read_request)
    with ApiClient(f"http://127.0.0.1:{server.port}", 1.0) as client:
        yield server, client
    server.close()


@given(
    st.one_of(
        st.binary(),
        st.builds(
            lambda status, headers, body: b"HTTP/1.1 %d X\r\n" % status + b"\r\n".join(headers) + b"\r\n\r\n" + body,
            st.integers(0, 999),
            st.lists(
                st.builds(
                    lambda name, value: name + b": " + value,
                    st.sampled_from(
                        [b"Content-Length", b"Transfer-Encoding", b"Content-Encoding", b"Date", b"X", b"Retry-After"]
                    ),
                    st.binary(max_size=20) | st.sampled_from([b"0", b"5", b"chunked", b"gzip", b"gzip,gzip"]),
                ),
                max_size=4,
            ),
            st.binary(max_size=100),
        ),
    )
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_answer_has_an_outcome(echo: tuple[Server, ApiClient], answer: bytes) -> None:
    """No bytes make the client raise."""
    server, client = echo

    def handle(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer)

    server.handle = handle

    assert isinstance(post(client), OUTCOMES)
