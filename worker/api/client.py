"""The API's client: one POST, bounded as a whole, read into an outcome. httpx speaks here and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Self

import httpcore
import httpx

from worker.api.answer import read_answer
from worker.api.deadline import DeadlineBackend
from worker.api.outcome import Failed, Outcome
from worker.config.model import Method, Project
from worker.document.wire import path

LARGEST_ANSWER = 16_000_000
"""Bytes. An API that repeats what it was sent needs room; nothing that it says is longer."""
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
KEPT_ALIVE = 16
"""Connections that are kept for the next request, for `EXPIRY` seconds."""
EXPIRY = 30.0


class AnswerTooLargeError(Exception):
    """The answer went on and on; nothing that the API says is that long."""


class ApiClient:
    """Posts to one base address, from any thread; `timeout` (seconds) bounds a request from connecting to the answer's last byte."""

    def __init__(self, base_url: str, timeout: float) -> None:
        self._timeout = timeout
        self._backend = DeadlineBackend()
        # Without TLS no certificates are loaded, in each process anew.
        verify = not base_url.startswith("http://")
        transport = _Transport(self._backend, verify=verify)
        self._client = httpx.Client(
            base_url=base_url,
            timeout=timeout,
            transport=transport,
            follow_redirects=False,
            # One client serves all projects: what the API gives to one is not for another.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    def post(self, project: Project, method: Method, body: bytes) -> Outcome:
        """Post `body` for `project`; every way in which that can end is an outcome, none is raised."""
        try:
            with self._backend.within(self._timeout):
                return self._exchange(project, method, body)
        except NOT_SENT as error:
            return Failed(_kind(error), unknown=False)
        except httpx.TimeoutException:
            return Failed("timeout", unknown=True)
        except (httpx.HTTPError, AnswerTooLargeError) as error:
            return Failed(_kind(error), unknown=True)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exchange(self, project: Project, method: Method, body: bytes) -> Outcome:
        headers = {
            "Content-Type": "application/json",
            "auth-key": project.auth_key or "",
            "x-project-id": str(project.id),
        }
        with self._client.stream("POST", path(method), content=body, headers=headers) as response:
            answer = bytearray()
            for chunk in response.iter_bytes():
                answer += chunk
                if len(answer) > LARGEST_ANSWER:
                    raise AnswerTooLargeError
            return read_answer(response.status_code, response.headers, bytes(answer), now=datetime.now(UTC))


class _Transport(httpx.HTTPTransport):
    """httpx has no argument for httpcore's network backend, so the pool is made here as it makes its own."""

    def __init__(self, backend: DeadlineBackend, *, verify: bool) -> None:
        super().__init__(verify=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False) if verify else None,
            max_connections=4 * KEPT_ALIVE,
            max_keepalive_connections=KEPT_ALIVE,
            keepalive_expiry=EXPIRY,
            network_backend=backend,
        )


def _kind(error: Exception) -> str:
    return type(error).__name__
