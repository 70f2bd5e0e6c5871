"""Connecting to the API: every part of it is over in time, and a dead address does not stop those that live."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psutil
import pytest

from tests.support.peers import OK, Server, answers, black_hole, closed_port, post, resolve
from worker.api.client import ApiClient
from worker.api.lookup import MOST_THREADS
from worker.api.outcome import Accepted, Failed

NAME = "api.test"
URL = f"http://{NAME}"
"""Plain, as no setting may have it: these tests are of what comes before TLS."""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def serve(stack: ExitStack) -> Callable[..., Server]:
    """Starts a server that accepts everything, or does what it is told."""

    def start(*arguments: object, **options: object) -> Server:
        server = Server(*(arguments or (answers(OK),)), **options)  # type: ignore[arg-type]
        stack.callback(server.close)
        return server

    return start


def timed(client: ApiClient) -> tuple[object, float]:
    """What a request comes to, and how long it takes."""
    begun = time.monotonic()
    return post(client), time.monotonic() - begun


def test_dead_addresses_together_take_no_longer_than_one_request(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many a name has."""
    resolve(monkeypatch, {NAME: [stack.enter_context(black_hole()) for _ in range(6)]})
    with ApiClient(URL, 1.0) as client:
        outcome, seconds = timed(client)

    assert outcome == Failed("connect_timeout", unknown=False)
    assert 0.9 < seconds < 4.0


@pytest.mark.parametrize("dead", [1, 3, 7])
def test_a_dead_address_gives_way_to_the_next(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., Server], dead: int
) -> None:
    """Within the same request, also where there are many of them and little time."""
    server = serve()
    holes = [stack.enter_context(black_hole()) for _ in range(dead)]
    resolve(monkeypatch, {NAME: [*holes, (server.host, server.port)]})
    with ApiClient(URL, 2.0) as client:
        assert post(client) == Accepted(200)


def test_a_broken_ipv6_does_no_harm(monkeypatch: pytest.MonkeyPatch, serve: Callable[..., Server]) -> None:
    """Addresses to which no route leads, and those that refuse, cost nothing."""
    server = serve()
    dead = [("2001:db8::1", 443, 0, 0), ("127.0.0.1", closed_port())]
    resolve(monkeypatch, {NAME: [*dead, (server.host, server.port)]})  # type: ignore[list-item]
    with ApiClient(URL, 5.0) as client:
        outcome, seconds = timed(client)

    assert outcome == Accepted(200)
    assert seconds < 3.0


def test_the_address_that_worked_is_remembered(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., Server]
) -> None:
    """The next connection does not wait for the dead one again."""
    server = serve(answers(OK[:-2].replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"{}"))
    resolve(monkeypatch, {NAME: [stack.enter_context(black_hole()), (server.host, server.port)]})
    with ApiClient(URL, 5.0) as client:
        _, first = timed(client)
        outcome, second = timed(client)

    assert outcome == Accepted(200)
    assert second < 0.2 < first
    assert server.connections == 2


def test_addresses_that_were_dead_come_last(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., Server]
) -> None:
    """Where the one that worked goes away, too, those not tried yet go before them."""
    first, second = serve(answers(OK, b"")), serve()
    hole = stack.enter_context(black_hole())
    resolve(monkeypatch, {NAME: [hole, (first.host, first.port), (second.host, second.port)]})
    with ApiClient(URL, 5.0) as client:
        assert post(client) == Accepted(200)
        first.close()
        outcome, seconds = timed(client)

    assert outcome == Accepted(200)
    assert seconds < 0.2


@pytest.mark.parametrize("fault", ["silent", "closes"])
def test_an_address_that_connects_and_does_not_answer_gives_way_too(
    monkeypatch: pytest.MonkeyPatch, serve: Callable[..., Server], fault: str
) -> None:
    """With the next request: what has become of this one is unknown."""
    ended = threading.Event()
    sick = serve(lambda _: ended.wait(10) if fault == "silent" else None)
    well = serve()
    resolve(monkeypatch, {NAME: [(sick.host, sick.port), (well.host, well.port)]})
    with ApiClient(URL, 0.5) as client:
        outcomes = [post(client), post(client), post(client)]
    ended.set()

    assert outcomes[0] == Failed("read_timeout" if fault == "silent" else "connection_lost", unknown=True)
    assert outcomes[1:] == [Accepted(200)] * 2


def test_addresses_that_all_failed_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """In turn: what was dead may have come back."""
    port = closed_port()
    resolve(monkeypatch, {NAME: [("127.0.0.1", closed_port()), ("127.0.0.1", port)]})
    with ApiClient(URL, 2.0) as client:
        assert post(client) == Failed("refused", unknown=False)
        server = Server(answers(OK))
        resolve(monkeypatch, {NAME: [("127.0.0.1", port), (server.host, server.port)]})
        assert post(client) == Accepted(200)
    server.close()


def test_a_look_up_that_hangs_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """getaddrinfo itself has no time-out."""
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait(20) and [])
    with ApiClient(URL, 0.3) as client:
        outcome, seconds = timed(client)
    ended.set()

    assert outcome == Failed("dns_timeout", unknown=False)
    assert 0.25 < seconds < 5.0


def test_look_ups_that_hang_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many requests wait for them, at once and one after the other."""
    ended, asked = threading.Event(), []
    monkeypatch.setattr("worker.api.lookup.SLOW", 0.05)

    def getaddrinfo(*_: object, **__: object) -> list[object]:
        asked.append(1)
        ended.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with ApiClient(URL, 0.1) as client:
        for _ in range(3 * MOST_THREADS):
            threads = [threading.Thread(target=post, args=(client,)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    ended.set()

    assert len(asked) == MOST_THREADS


def test_a_look_up_works_again_once_dns_does(monkeypatch: pytest.MonkeyPatch, serve: Callable[..., Server]) -> None:
    """One that hangs does not hold up those after it."""
    ended, server = threading.Event(), serve()
    monkeypatch.setattr("worker.api.lookup.SLOW", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait(20) and [])
    with ApiClient(URL, 0.3) as client:
        assert post(client) == Failed("dns_timeout", unknown=False)
        resolve(monkeypatch, {NAME: [(server.host, server.port)]})
        assert post(client) == Accepted(200)
    ended.set()


@pytest.mark.parametrize("error", [socket.gaierror(-3, "try again"), UnicodeError("label too long"), OSError(5, "io")])
def test_a_name_that_is_not_found_is_told(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """By its kind, whatever the system says."""

    def getaddrinfo(*_: object, **__: object) -> list[object]:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with ApiClient(URL, 2.0) as client:
        assert post(client) == Failed("dns", unknown=False)


def test_nothing_is_left_open_after_a_race(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., Server]
) -> None:
    """Connections that came too late are closed."""
    holes, server = [stack.enter_context(black_hole()) for _ in range(3)], serve()
    resolve(monkeypatch, {NAME: [*holes, (server.host, server.port)]})

    def on_their_way() -> int:
        return sum(bool(one.raddr) and one.raddr in holes for one in psutil.Process().net_connections("tcp"))

    before = on_their_way()
    with ApiClient(URL, 3.0) as client:
        assert post(client) == Accepted(200)
        assert on_their_way() == before
