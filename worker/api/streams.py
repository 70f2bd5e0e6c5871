"""A connection as httpcore uses it, plain or under TLS. No step on it lasts beyond the end of its thread's exchange.

httpcore's own bound single reads and writes, and a server that answers byte by byte could hold a request for ever.
"""

from __future__ import annotations

import select
import socket
import ssl
from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import httpcore

from worker.api.exchange import Exchanges, NoAnswerError
from worker.api.lookup import Address
from worker.api.race import kind_of

PIECE = 65_536
"""Bytes that are written or read at once."""
_CERTIFICATE = {
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    62: "certificate_hostname",
    64: "certificate_hostname",
}
_UNTRUSTED = {2, 18, 19, 20, 21, 24, 27}
"""OpenSSL's numbers of a chain that ends nowhere, or at an authority that is not trusted."""
Result = TypeVar("Result")


class Stream(httpcore.NetworkStream):
    """What plain and encrypted connections share: they tell the exchange what happens on them."""

    def __init__(self, exchanges: Exchanges, address: Address) -> None:
        self._exchanges = exchanges
        self._address = address

    @abstractmethod
    def put(self, data: bytes, late: str = "write_timeout") -> None:
        """Send all of it. Raises NoAnswerError: of the kind `late` if it takes too long."""

    @abstractmethod
    def take(self, most: int, late: str = "read_timeout") -> bytes:
        """What comes next, nothing at the end. Raises NoAnswerError: of the kind `late` if it takes too long."""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        exchange = self._exchanges.now
        exchange.sent, exchange.address = True, self._address
        try:
            self.put(buffer)
        except NoAnswerError as error:
            if error.kind == "connection_lost":  # it may have answered before: httpcore reads on after this
                raise httpcore.WriteError from error
            raise

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self.take(max_bytes)
        self._exchanges.now.cut |= not data
        return data

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> Stream:
        try:
            return TlsStream(self, ssl_context, server_hostname, self._exchanges, self._address)
        except BaseException:
            self.close()
            raise


class PlainStream(Stream):
    """A socket."""

    def __init__(self, sock: socket.socket, exchanges: Exchanges, address: Address) -> None:
        super().__init__(exchanges, address)
        self._sock = sock

    def put(self, data: bytes, late: str = "write_timeout") -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._step(late, self._sock.send, rest[:PIECE]) :]

    def take(self, most: int, late: str = "read_timeout") -> bytes:
        return self._step(late, self._sock.recv, most)

    def _step(self, late: str, step: Callable[[Any], Result], argument: Any) -> Result:
        try:
            self._sock.settimeout(self._exchanges.now.left(late))
            return step(argument)
        except TimeoutError:
            raise NoAnswerError(late) from None
        except OSError as error:
            kind = kind_of(error.errno)
            raise NoAnswerError("connection_lost" if kind in {"refused", "connect_timeout"} else kind) from error

    def close(self) -> None:
        self._sock.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return _is_readable(self._sock)
        return self._sock if info == "socket" else None


class TlsStream(Stream):
    """TLS over another stream, which may be under TLS itself, on the way to a proxy."""

    def __init__(
        self, stream: Stream, context: ssl.SSLContext, hostname: str | None, exchanges: Exchanges, address: Address
    ) -> None:
        super().__init__(exchanges, address)
        self._stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname)
        self._step("tls_timeout", self._tls.do_handshake)

    def put(self, data: bytes, late: str = "write_timeout") -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._step(late, self._tls.write, rest[:PIECE]) :]

    def take(self, most: int, late: str = "read_timeout") -> bytes:
        try:
            return self._step(late, self._tls.read, most)
        except _EndError:
            return b""

    def _step(self, late: str, step: Callable[..., Result], *arguments: Any) -> Result:
        """Let TLS do one thing, and carry the bytes that this takes."""
        while True:
            try:
                result = step(*arguments)
            except ssl.SSLWantReadError:
                self._flush(late)
                self._feed(late)
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                raise _EndError from None
            except ssl.SSLError as error:
                with suppress(NoAnswerError):  # the peer is told what is wrong with it
                    self._flush(late)
                raise NoAnswerError(kind_of_tls(error)) from error
            else:
                self._flush(late)
                return result

    def _flush(self, late: str) -> None:
        if self._outgoing.pending:
            self._stream.put(self._outgoing.read(), late)

    def _feed(self, late: str) -> None:
        data = self._stream.take(PIECE, late)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._tls if info == "ssl_object" else self._stream.get_extra_info(info)


class _EndError(NoAnswerError):
    """The peer has closed the connection, in the middle of whatever it was."""

    def __init__(self) -> None:
        super().__init__("connection_lost")


def kind_of_tls(error: ssl.SSLError) -> str:
    """The word for what is wrong with a handshake, or with the peer's certificate."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return "tls"
    if error.verify_code in _UNTRUSTED:
        return "certificate_untrusted"
    return _CERTIFICATE.get(error.verify_code, "certificate_invalid")


def _is_readable(sock: socket.socket) -> bool:
    """Whether something has come on a connection that is idle: its end."""
    if sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
