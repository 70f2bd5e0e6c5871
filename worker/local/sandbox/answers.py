"""The answers of the sandbox as bytes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

import msgspec

from worker.local.sandbox.faults import Status
from worker.local.sandbox.rules import Refusal

JSON = {"Content-Type": "application/json; charset=utf-8"}
_BODILESS = (204, 304)

HTML = b"<!doctype html><title>Bad gateway</title><h1>Something in between has answered</h1>"


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)

    def bearing(self, headers: Mapping[str, str]) -> Answer:
        """The same with more headers."""
        return replace(self, headers={**self.headers, **headers})

    def raw(self) -> bytes:
        """The answer as it stands on the wire, the last of its connection."""
        head = [f"HTTP/1.1 {self.status} {reason(self.status)}", "Connection: close"]
        head += [f"Content-Length: {len(self.body)}"]
        head += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*head, "", ""]).encode("latin-1") + self.body


def reason(status: int) -> str:
    """The status in words."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def error_in_2xx() -> Answer:
    """200, and a body that says it is none."""
    return Answer(200, failed(200, "answered on request").body)


def accepted(count: int) -> Answer:
    """200: so many entries are in the book now."""
    return Answer(200, b'{"success": true, "accepted": %d}' % count)


def refused(refusal: Refusal) -> Answer:
    """The refusal's status, and its violations."""
    body = {"success": False, "error": refusal.error, "errors": refusal.violations}
    return Answer(refusal.status, msgspec.json.encode(body))


def failed(status: int, error: str) -> Answer:
    """An error without violations."""
    return refused(Refusal(status, error))


def on_request(fault: Status) -> Answer:
    """The answer that a `status` fault asks for."""
    if fault.status in _BODILESS:
        return Answer(fault.status, b"", fault.headers)
    if fault.body is None:
        return Answer(fault.status, failed(fault.status, "answered on request").body, {**JSON, **fault.headers})
    return Answer(fault.status, fault.body.encode(), {"Content-Type": "text/plain; charset=utf-8", **fault.headers})


def in_html(answer: Answer) -> Answer:
    """The same status with a page for a body."""
    return Answer(answer.status, HTML, {"Content-Type": "text/html; charset=utf-8"})
