"""The API's client: one POST, bounded as a whole, read into an outcome. httpx speaks here and nowhere else."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self

import httpcore
import httpx

from worker.api.answer import read_answer
from worker.api.backend import Backend
from worker.api.body import most_of, read_body
from worker.api.certificates import trusted
from worker.api.exchange import Exchange, Exchanges, NoAnswerError
from worker.api.keys import Keys
from worker.api.outcome import Failed, Outcome, Unauthorized
from worker.config.model import Method, Project
from worker.config.network import Network
from worker.document.wire import path

KEPT_ALIVE = 16
"""Connections that are kept for the next request, for `EXPIRY` seconds."""
EXPIRY = 30.0


class ApiClient:
    """Posts to one base address, from any thread.

    `timeout` (seconds) bounds a request from the look-up of the host's name to the answer's last byte; `network`: the way there.
    Raises ConfigError if the certificates that `network` names can't be used.
    """

    def __init__(self, base_url: str, timeout: float, network: Network | None = None, keys: Keys | None = None) -> None:
        network = network or Network()
        # Without TLS no certificates are loaded, in each process anew.
        context = None if base_url.startswith("http://") else trusted(network)
        self._timeout = timeout
        self._keys = keys or Keys()
        self._exchanges = Exchanges()
        self._backend = Backend(self._exchanges, network.proxy, context)
        self._client = httpx.Client(
            base_url=base_url,
            timeout=timeout,
            transport=_Transport(self._backend, context),
            headers={"Accept-Encoding": "identity"},
            follow_redirects=False,
            trust_env=False,
            # One client serves all projects: what the API gives to one is not for another.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    def post(self, project: Project, method: Method, body: bytes) -> Outcome:
        """Post `body` for `project`; every way in which that can end is an outcome, none is raised."""
        with self._exchanges.within(self._timeout) as exchange:
            outcome = self._outcome(exchange, project, method, body)
        if exchange.address is not None:
            learn = self._backend.ranking.worked if outcome.status is not None else self._backend.ranking.failed
            learn(exchange.address)
        if isinstance(outcome, Unauthorized):
            self._keys.doubt(project)
        return outcome

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _outcome(self, exchange: Exchange, project: Project, method: Method, body: bytes) -> Outcome:
        try:
            return self._post(project, method, body)
        except NoAnswerError as error:
            return Failed(error.kind, unknown=exchange.sent)
        except httpx.HTTPError as error:
            return Failed(_kind(error, exchange), unknown=exchange.sent)

    def _post(self, project: Project, method: Method, body: bytes) -> Outcome:
        headers = {
            "Content-Type": "application/json",
            "auth-key": self._keys.key_of(project),
            "x-project-id": str(project.id),
        }
        with self._client.stream("POST", path(method), content=body, headers=headers) as response:
            encoding = response.headers.get("content-encoding", "")
            answer = read_body(response.iter_raw(), encoding, most_of(body))
            if answer.flaw and response.is_success:  # an error may stand in what we can't read
                return Failed(answer.flaw, unknown=True, status=response.status_code)
            return read_answer(response.status_code, response.headers, answer.content, now=datetime.now(UTC))


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


def _kind(error: httpx.HTTPError, exchange: Exchange) -> str:
    """The word for an error that httpx or httpcore finds themselves; those of the network come as NoAnswerError."""
    if isinstance(error, httpx.PoolTimeout):
        return "connect_timeout"
    return "connection_lost" if exchange.cut else "bad_answer"
