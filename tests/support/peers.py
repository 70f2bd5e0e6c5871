"""Peers of the API's client that misbehave to order: servers with and without TLS, a proxy, hosts that swallow connections."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress

import pytest

from worker.api.client import ApiClient
from worker.api.outcome import Outcome
from worker.config.model import Method, Project, Rate

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
"""The whole of an answer that accepts."""
PROJECT = Project(1, Rate(5, 1), 100, auth_key="key")
Handler = Callable[[socket.socket], object]


def post(client: ApiClient, body: bytes = b"{}") -> Outcome:
    return client.post(PROJECT, Method.CONTACTS, body)


def read_request(connection: socket.socket) -> bytes:
    """A request's head and body; nothing at the end of the connection."""
    head = read_head(connection)
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    body = head.partition(b"\r\n\r\n")[2]
    while head and len(body) < length:
        body += connection.recv(65536)
    return head


def read_head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(65536)
        if not data:
            return b""
        head += data
    return head


def answers(*answer: bytes) -> Handler:
    """Every request on a connection gets the next answer, and the last one over and over; an empty one closes it."""

    def handle(connection: socket.socket) -> None:
        for number in range(1_000):
            if not read_request(connection):
                return
            whole = answer[min(number, len(answer) - 1)]
            if not whole:
                return
            connection.sendall(whole)

    return handle


class Server:
    """Hands each connection to `handle`, in a thread of its own, under TLS if there is a `context`."""

    def __init__(self, handle: Handler, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.host = host
        self.handle = handle
        self.connections = 0
        self._context = context
        self._listening = socket.create_server((host, 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._ended.is_set():
            with suppress(OSError):
                connection, _ = self._listening.accept()
                self.connections += 1
                self._open.add(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), closing(connection):
            if self._context is None:
                self.handle(connection)
            else:
                with self._context.wrap_socket(connection, server_side=True) as encrypted:
                    self.handle(encrypted)
        self._open.discard(connection)


class ConnectProxy(Server):
    """A proxy that tunnels; keeps what it was asked. `login`: the user and password that it wants; `refusal`: what it answers instead."""

    def __init__(self, context: ssl.SSLContext | None = None, login: str | None = None, refusal: bytes = b"") -> None:
        super().__init__(self._tunnel, context)
        self.asked: list[bytes] = []
        self.routes: dict[str, int] = {}
        self._login = login
        self._refusal = refusal

    def _tunnel(self, connection: socket.socket) -> None:
        head = read_head(connection)
        self.asked.append(head)
        if self._refusal:
            connection.sendall(self._refusal)
            return
        if self._login and b"Basic " + base64.b64encode(self._login.encode()) not in head:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        with socket.create_connection(("127.0.0.1", self.routes.get(host, int(port)))) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pipe, args=(onward, connection), daemon=True)
            back.start()
            pipe(connection, onward)
            back.join()


def pipe(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def black_hole() -> Iterator[tuple[str, int]]:
    """An address that neither takes a connection nor refuses one: its queue is full."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
        yield listening.getsockname()


def closed_port() -> int:
    """A port of this machine where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def resolve(monkeypatch: pytest.MonkeyPatch, names: Mapping[str, list[tuple[str, int]]]) -> None:
    """Let these names lead to these addresses, whatever the port; there is no other name."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: object, **options: object) -> object:
        if host[0].isdecimal():
            return real(host, *arguments, **options)  # type: ignore[arg-type]
        if host not in names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM, 6, "", address)
            for address in names[host]
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
