"""Connecting to the first of several addresses that answers: each gets its turn while the ones before it still hesitate (RFC 8305)."""

from __future__ import annotations

import errno
import selectors
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

from worker.api.exchange import NoAnswerError
from worker.api.lookup import Address

STAGGER = 0.25
"""Seconds for which an address may hesitate until the next one is tried beside it; less if all would not get their turn in time."""
_UNDER_WAY = {0, errno.EINPROGRESS}
_UNREACHABLE = {
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.EHOSTDOWN,
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
}
_KINDS = ("refused", "connect_timeout", "connection_lost", "network", "unreachable")
"""From the one that says most of the host to the one that says least."""


class Race:
    """Sockets on their way to addresses. `left` says how many seconds there still are, and raises once there are none."""

    def __init__(self, addresses: Sequence[Address], left: Callable[[], float]) -> None:
        self._waiting = deque(addresses)
        self._left = left
        self._stagger = min(STAGGER, left() / (2 * len(addresses)))
        self._selector = selectors.DefaultSelector()
        self._under_way: dict[socket.socket, Address] = {}
        self._kinds: set[str] = set()
        self.beaten: list[Address] = []
        """Those that failed, or had still not answered at the end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        for sock, address in self._under_way.items():
            sock.close()
            self.beaten.append(address)

    def run(self) -> tuple[socket.socket, Address]:
        """The first connection that stands, and where it leads. Raises NoAnswerError."""
        while self._waiting or self._under_way:
            if self._waiting:
                self._start(self._waiting.popleft())
            if not self._under_way:
                continue
            left = self._left()
            for key, _ in self._selector.select(min(self._stagger, left) if self._waiting else left):
                sock: socket.socket = key.data
                if self._stands(sock):
                    return sock, self._let_go(sock)
        raise NoAnswerError(min(self._kinds, key=_KINDS.index))

    def _start(self, address: Address) -> None:
        try:
            sock = socket.socket(address.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        except OSError as error:
            self._failed(address, error.errno)
            return
        sock.setblocking(False)
        try:
            result = sock.connect_ex(address.place)
        except OSError as error:
            result = error.errno or errno.EINVAL
        if result in _UNDER_WAY:
            self._under_way[sock] = address
            self._selector.register(sock, selectors.EVENT_WRITE, sock)
        else:
            sock.close()
            self._failed(address, result)

    def _stands(self, sock: socket.socket) -> bool:
        result = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if result:
            self._failed(self._let_go(sock), result)
            sock.close()
        return not result

    def _let_go(self, sock: socket.socket) -> Address:
        self._selector.unregister(sock)
        return self._under_way.pop(sock)

    def _failed(self, address: Address, result: int | None) -> None:
        self.beaten.append(address)
        self._kinds.add(kind_of(result))


def kind_of(result: int | None) -> str:
    """The word for an error number of a socket's."""
    match result:
        case errno.ECONNREFUSED:
            return "refused"
        case errno.ETIMEDOUT:
            return "connect_timeout"
        case errno.ECONNRESET | errno.EPIPE | errno.ECONNABORTED:
            return "connection_lost"
        case _:
            return "unreachable" if result in _UNREACHABLE else "network"
