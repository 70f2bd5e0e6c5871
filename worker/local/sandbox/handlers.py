"""What all answers besides the API's own have in common."""

from __future__ import annotations

from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import structlog
from tornado.web import HTTPError, RequestHandler

from worker.local.sandbox.answers import Answer, failed, reason
from worker.local.sandbox.desk import Desk

log = structlog.get_logger("worker.local.sandbox")


class Handler(RequestHandler):
    """Checks the host, answers errors as JSON, and keeps query strings (they may name people) out of logs."""

    desk: Desk

    def initialize(self, desk: Desk) -> None:
        """Tornado's way of handing something to a handler."""
        self.desk = desk

    def set_default_headers(self) -> None:
        """What every answer has."""
        self.set_header("Server", "ringostat-sync sandbox")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")

    def prepare(self) -> None:
        """Refuses names that another user's DNS points at this machine: the book may hold real people."""
        hosts = self.desk.hosts
        if hosts is not None and (urlsplit(f"//{self.request.host}").hostname or "") not in hosts:
            raise HTTPError(421)

    def compute_etag(self) -> str | None:
        """None: answers are made anew each time, and hashing them costs as much as the rules."""
        return None

    def answer(self, answer: Answer) -> None:
        """Sends a whole answer."""
        self.set_status(answer.status, reason(answer.status))
        for name, value in answer.headers.items():
            self.set_header(name, value)
        self.finish(answer.body)

    def write_error(self, status_code: int, **_kwargs: Any) -> None:
        """The error as JSON."""
        self.answer(failed(status_code, reason(status_code).lower()))

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """One line for what we did not foresee; a refusal of ours is no news."""
        if not isinstance(value, HTTPError):
            log.error("sandbox.bug", path=self.request.path, exc_info=(typ, value, tb))


class UnknownHandler(Handler):
    """Any other path: 404, noted, since a client under test may have made it."""

    def prepare(self) -> None:
        """Answers before any verb is looked at."""
        super().prepare()
        self.desk.turn_away(self.request.path, len(self.request.body), 404)
        self.answer(failed(404, "there is no such method"))
