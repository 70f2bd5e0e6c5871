"""HTTP: one POST, bounded as a whole. httpx speaks here and nowhere else."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self

import httpcore
import httpx

from worker.api.backend import Backend
from worker.api.body import Body, most_of, read_body
from worker.api.certificates import trusted
from worker.api.exchange import Exchange, Exchanges, NoAnswerError
from worker.config.network import Network

KEPT_ALIVE = 16
"""Connections that are kept for the next request, for `EXPIRY` seconds."""
EXPIRY = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers`: by name, in any case."""

    status: int
    headers: Mapping[str, str]
    body: Body


class Poster:
    """Posts to one host, from any thread.

    `timeout` (seconds) bounds a request from the look-up of the host's name to the answer's last byte; `network`: the way there.
    Raises ConfigError if the certificates that `network` names can't be used.
    """

    def __init__(self, base_url: str, timeout: float, network: Network) -> None:
        needs_tls = not base_url.startswith("http://") or (network.proxy is not None and network.proxy.tls)
        # Without TLS no certificates are loaded, in each process anew.
        context = trusted(network) if needs_tls else None
        self._timeout = timeout
        self._exchanges = Exchanges()
        self._backend = Backend(self._exchanges, network.proxy, context)
        self._client = httpx.Client(
            base_url=base_url,
            timeout=timeout,
            transport=_Transport(self._backend, context),
            headers={"Accept-Encoding": "identity", "Content-Type": "application/json"},
            follow_redirects=False,
            trust_env=False,
            # One client serves all projects: what the API gives to one is not for another.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Post JSON to a path below the address, or to a whole address. Raises NoAnswerError, whatever it is that comes to no answer."""
        with self._exchanges.within(self._timeout) as exchange:
            try:
                answer = self._exchange(path, body, headers)
            except (NoAnswerError, httpx.HTTPError) as error:
                if exchange.address is not None:
                    self._backend.ranking.failed(exchange.address)
                raise NoAnswerError(_kind(error, exchange), sent=exchange.sent) from error
        if exchange.address is not None:
            self._backend.ranking.worked(exchange.address)
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exchange(self, path: str, body: bytes, headers: Mapping[str, str] | None) -> Answer:
        with self._client.stream("POST", path, content=body, headers=headers) as response:
            encoding = response.headers.get("content-encoding", "")
            read = read_body(response.iter_raw(), encoding, most_of(body))
            return Answer(response.status_code, response.headers, read)


class _Transport(httpx.HTTPTransport):
    """httpx has no argument for httpcore's network backend, so the pool is made here as it makes its own."""

    def __init__(self, backend: Backend, context: ssl.SSLContext | None) -> None:
        super().__init__(verify=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=4 * KEPT_ALIVE,
            max_keepalive_connections=KEPT_ALIVE,
            keepalive_expiry=EXPIRY,
            network_backend=backend,
        )


def _kind(error: NoAnswerError | httpx.HTTPError, exchange: Exchange) -> str:
    """The word for an error: the network's own, or for one that httpx or httpcore finds."""
    if isinstance(error, NoAnswerError):
        return error.kind
    if isinstance(error, httpx.PoolTimeout):
        return "connect_timeout"
    return "connection_lost" if exchange.cut else "bad_answer"
