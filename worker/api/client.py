"""The API's client: one POST, read into an outcome."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

from worker.api.answer import read_answer
from worker.api.exchange import NoAnswerError
from worker.api.keys import Keys
from worker.api.outcome import Failed, Outcome, Unauthorized
from worker.api.poster import Answer, Poster
from worker.config.model import Method, Project
from worker.config.network import Network
from worker.document.wire import path


class ApiClient:
    """Posts to one base address, from any thread; `timeout` (seconds) bounds a request as a whole, `network` is the way there.

    Raises ConfigError if the certificates that `network` names can't be used.
    """

    def __init__(self, base_url: str, timeout: float, network: Network | None = None, keys: Keys | None = None) -> None:
        self._poster = Poster(base_url, timeout, network or Network())
        self._keys = keys or Keys()

    def post(self, project: Project, method: Method, body: bytes) -> Outcome:
        """Post `body` for `project`; every way in which that can end is an outcome, none is raised."""
        headers = {"auth-key": self._keys.key_of(project), "x-project-id": str(project.id)}
        try:
            outcome = _read(self._poster.post(path(method), body, headers))
        except NoAnswerError as error:
            return Failed(error.kind, unknown=error.sent)
        if isinstance(outcome, Unauthorized):
            self._keys.doubt(project)
        return outcome

    def close(self) -> None:
        """Close the connections."""
        self._poster.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read(answer: Answer) -> Outcome:
    if answer.body.flaw and 200 <= answer.status < 300:  # an error may stand in what we can't read
        return Failed(answer.body.flaw, unknown=True, status=answer.status)
    return read_answer(answer.status, answer.headers, answer.body.content, now=datetime.now(UTC))
