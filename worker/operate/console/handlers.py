"""The console's answers over HTTP."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import json
from collections.abc import Callable
from importlib.resources import files
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import structlog
from sqlalchemy.exc import DBAPIError
from tornado.web import HTTPError, RequestHandler

from worker.errors import RefusedError, SyncError, sentence
from worker.operate.console.questions import Questions

log = structlog.get_logger()

PATIENCE = 8.0
"""Seconds after which those that only ask how the job is are told that it does not answer: they would give up soon themselves."""
FROM_THE_PAGE = ("X-Requested-With", "ringostat-sync")
"""A header that no other site's form or image can send along."""
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
FILES = {
    "index.html": "text/html; charset=utf-8",
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "words.js": "text/javascript; charset=utf-8",
}


class Handler(RequestHandler):
    """What all answers have in common: headers, errors as JSON, and no line of what was asked for."""

    def initialize(self, questions: Questions, credentials: str) -> None:
        """Tornado's way of handing something to a handler. `credentials`: `user:password`."""
        self.questions = questions
        self.credentials = credentials

    def set_default_headers(self) -> None:
        """What every answer has."""
        self.set_header("Server", "ringostat-sync")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", POLICY)

    async def ask(self, question: Callable[..., Any], *arguments: object, patience: float | None = None) -> Any:
        """An answer of the job, from a thread; what is in its way is an error with a sentence. `patience`: seconds that it may take."""
        answer = asyncio.get_running_loop().run_in_executor(None, question, *arguments)
        try:
            return await asyncio.wait_for(answer, patience)
        except TimeoutError:
            raise HTTPError(503) from RefusedError(f"PostgreSQL or Redis has not answered for {patience:g} s.")
        except SyncError as error:
            raise HTTPError(409, log_message=None, reason=None) from error
        except DBAPIError as error:
            raise HTTPError(503) from error

    def write_error(self, status_code: int, **more: Any) -> None:
        """The error as JSON, in a sentence of ours if there is one."""
        error = more["exc_info"][1] if "exc_info" in more else None
        cause = error.__cause__ if error else None
        told = sentence(cause) if isinstance(cause, SyncError) else self._reason
        self.finish({"error": told})

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """The kind alone: a message may quote a row, and a path may name a contact."""
        if not isinstance(value, HTTPError):
            log.error("console_failed", kind=typ.__name__ if typ else None)


class Private(Handler):
    """Asks for the password; what changes something must come from the page itself."""

    def prepare(self) -> None:
        """Refuse before anything is read."""
        if not self._is_known():
            self.set_header("WWW-Authenticate", 'Basic realm="ringostat-sync"')
            raise HTTPError(401)
        if self.request.method not in {"GET", "HEAD"} and not self._is_from_the_page():
            raise HTTPError(403)

    def _is_known(self) -> bool:
        kind, _, encoded = self.request.headers.get("Authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True) if kind.lower() == "basic" else b""
        except (binascii.Error, ValueError):
            given = b""
        return hmac.compare_digest(given, self.credentials.encode())

    def _is_from_the_page(self) -> bool:
        name, value = FROM_THE_PAGE
        origin = self.request.headers.get("Origin")
        same = origin is None or urlsplit(origin).netloc == self.request.host
        return same and self.request.headers.get(name) == value


class Page(Private):
    """`GET /` and the files that it names."""

    def get(self, name: str | None) -> None:
        """A file of the page."""
        name = name or "index.html"
        self.set_header("Content-Type", FILES[name])
        self.finish(files(__package__).joinpath("page", name).read_bytes())


class Overview(Private):
    """`GET /api/overview`."""

    async def get(self) -> None:
        """The state of the job."""
        self.finish(await self.ask(self.questions.overview))


class Contact(Private):
    """`POST /api/contact`: in the body, so that no log and no history of a browser keeps the key."""

    async def post(self) -> None:
        """The story of one contact."""
        asked = body(self)
        self.finish(await self.ask(self.questions.contact, str(asked.get("source")), str(asked.get("key", "")).strip()))


class DeadLetters(Private):
    """`GET /api/dead-letters` by cause, `POST /api/dead-letters/(requeue|discard|list)` of these ids."""

    async def get(self, _step: str | None = None) -> None:
        """The open dead letters by cause."""
        self.finish({"causes": await self.ask(self.questions.causes)})

    async def post(self, step: str) -> None:
        """Requeue, discard or list some of them."""
        ids = body(self).get("ids")
        if not isinstance(ids, list) or not all(str(number).isdigit() for number in ids):
            raise HTTPError(400)
        steps = {"requeue": self.questions.requeue, "discard": self.questions.discard, "list": self.questions.listed}
        self.finish({"done": await self.ask(steps[step], [int(number) for number in ids])})


class DeadLetter(Private):
    """`GET /api/dead-letter/ID`."""

    async def get(self, number: str) -> None:
        """One dead letter whole."""
        self.finish(await self.ask(self.questions.dead_letter, int(number)))


class Project(Private):
    """`POST /api/project/ID/(pause|resume)`."""

    async def post(self, project: str, step: str) -> None:
        """Pause or resume a project."""
        steps = {"pause": self.questions.pause, "resume": self.questions.resume}
        await self.ask(steps[step], int(project))
        self.finish({"done": True})


class Metrics(Handler):
    """`GET /metrics`: ids and counts, without a password."""

    async def get(self) -> None:
        """The page that Prometheus scrapes."""
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish(await self.ask(self.questions.metrics, patience=PATIENCE))


class Healthz(Handler):
    """`GET /healthz`: 503 with the problems if there are any."""

    async def get(self) -> None:
        """The problems, a line each."""
        problems = await self.ask(self.questions.problems, patience=PATIENCE)
        self.set_status(503 if problems else 200)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("\n".join(problem.sentence for problem in problems) or "ok")


class Readyz(Handler):
    """`GET /readyz`: 200 if this console reads PostgreSQL and Redis."""

    async def get(self) -> None:
        """Whether it does."""
        ready = await self.ask(self.questions.is_ready, patience=PATIENCE)
        self.set_status(200 if ready else 503)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("ready" if ready else "PostgreSQL or Redis does not answer.")


def body(handler: Handler) -> dict[str, Any]:
    """The JSON object that was posted; 400 if it is none."""
    try:
        found = json.loads(handler.request.body)
    except ValueError:
        raise HTTPError(400) from None
    if not isinstance(found, dict):
        raise HTTPError(400)
    return found
