"""The API's client: one POST, bounded as a whole, read into an outcome.

httpx speaks here and nowhere else. Its time-outs bound single operations, so a server that answers byte by byte could hold
a request for ever; a deadline over the whole request needs a loop that can cancel it, which runs in a thread of its own.
"""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from typing import Self

import httpx

from worker.api.answer import read_answer
from worker.api.outcome import Failed, Outcome
from worker.config.model import Method, Project

PATHS = {Method.CONTACTS: "/minicrm/contacts/sync", Method.ORGANIZATIONS: "/minicrm/organizations/sync"}
LARGEST_ANSWER = 1_000_000
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class AnswerTooLargeError(Exception):
    """The answer went on and on; nothing that the API says is that long."""


class ApiClient:
    """Posts to one base address; `timeout` (seconds) bounds a request from connecting to the answer's last byte."""

    def __init__(self, base_url: str, timeout: float) -> None:
        self._timeout = timeout
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="api-client", daemon=True)
        self._thread.start()
        self._client = httpx.AsyncClient(
            base_url=base_url,
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            verify=not base_url.startswith("http://"),  # without TLS no certificates are loaded, in each process anew
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=16, keepalive_expiry=30),
        )

    def post(self, project: Project, method: Method, body: bytes) -> Outcome:
        """Post `body` for `project`; every way in which that can end is an outcome, none is raised."""
        return asyncio.run_coroutine_threadsafe(self._post(project, method, body), self._loop).result()

    def close(self) -> None:
        """Close the connections and end the thread."""
        asyncio.run_coroutine_threadsafe(self._client.aclose(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _post(self, project: Project, method: Method, body: bytes) -> Outcome:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._exchange(project, method, body)
        except NOT_SENT as error:
            return Failed(_kind(error), unknown=False)
        except TimeoutError:
            return Failed("timeout", unknown=True)
        except (httpx.HTTPError, AnswerTooLargeError) as error:
            return Failed(_kind(error), unknown=True)

    async def _exchange(self, project: Project, method: Method, body: bytes) -> Outcome:
        headers = {
            "Content-Type": "application/json",
            "auth-key": project.auth_key or "",
            "x-project-id": str(project.id),
        }
        async with self._client.stream("POST", PATHS[method], content=body, headers=headers) as response:
            answer = bytearray()
            async for chunk in response.aiter_bytes():
                answer += chunk
                if len(answer) > LARGEST_ANSWER:
                    raise AnswerTooLargeError
            return read_answer(response.status_code, response.headers, bytes(answer), now=datetime.now(UTC))


def _kind(error: Exception) -> str:
    return type(error).__name__
