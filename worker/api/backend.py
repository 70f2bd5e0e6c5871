"""How httpcore connects: the name is looked up, one of its addresses answers, a proxy opens the way. All of it within one deadline."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from functools import partial
from typing import Any

import httpcore

from worker.api.exchange import Exchanges, NoAnswerError
from worker.api.failures import PROXY
from worker.api.lookup import Lookup
from worker.api.race import Race
from worker.api.ranking import Ranking
from worker.api.streams import PlainStream, Stream
from worker.api.tunnel import tunnel
from worker.config.network import Proxy


class Backend(httpcore.NetworkBackend):
    """Connects for the exchange of the thread that asks. `context`: whom to trust, if the proxy is spoken to by TLS."""

    def __init__(self, exchanges: Exchanges, proxy: Proxy | None, context: ssl.SSLContext | None) -> None:
        self.ranking = Ranking()
        self._exchanges = exchanges
        self._proxy = proxy
        self._context = context
        self._lookup = Lookup()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the host, all the way. Raises NoAnswerError."""
        if self._proxy is None:
            return self._open(host, port)
        try:
            return self._through(self._proxy, host, port)
        except NoAnswerError as error:
            raise NoAnswerError(PROXY + error.kind) from error

    def _through(self, proxy: Proxy, host: str, port: int) -> httpcore.NetworkStream:
        stream = self._open(proxy.host, proxy.port)
        if proxy.tls and self._context:
            stream = stream.start_tls(self._context, proxy.host)
        try:
            tunnel(stream, proxy, host, port)
        except NoAnswerError:
            stream.close()
            raise
        return stream

    def _open(self, host: str, port: int) -> Stream:
        exchange = self._exchanges.now
        found = self._lookup.find(host, port, exchange.left("dns_timeout"))
        if found is None:
            raise NoAnswerError("dns_timeout")
        if not found:
            raise NoAnswerError("dns")
        race = Race(self.ranking.sort(found), partial(exchange.left, "connect_timeout"))
        try:
            with race:
                sock, exchange.address = race.run()
        finally:
            for address in race.beaten:
                self.ranking.failed(address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return PlainStream(sock, self._exchanges, exchange.address)
