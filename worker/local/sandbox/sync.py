"""The API's two methods over HTTP.

Below tornado's RequestHandler, whose comforts cost as much as holding a hundred contacts against the rules:
an undisturbed request is decided and answered in one go, without a task.
"""

from __future__ import annotations

import structlog
from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    ResponseStartLine,
)
from tornado.iostream import StreamClosedError

from worker.config.model import Method
from worker.local.sandbox import delivery
from worker.local.sandbox.answers import (
    Answer,
    accepted,
    error_in_2xx,
    failed,
    in_html,
    on_request,
    reason,
    refused,
)
from worker.local.sandbox.desk import Arrival, Desk
from worker.local.sandbox.faults import (
    ErrorIn2xx,
    Half,
    Hang,
    HangAfter,
    NotJson,
    Reset,
    ResetAfter,
    SlowDrip,
    Status,
)

log = structlog.get_logger("worker.local.sandbox")

WRONG_VERB = failed(405, "this method takes POST").bearing({"Allow": "POST"})


class SyncRequest(HTTPMessageDelegate):
    """One request to `/minicrm/contacts/sync` or `/minicrm/organizations/sync`."""

    def __init__(self, desk: Desk, method: Method, request: HTTPServerRequest) -> None:
        assert isinstance(request.connection, HTTP1Connection)  # noqa: S101 - tornado serves nothing else
        self._desk = desk
        self._method = method
        self._request = request
        self._connection = request.connection
        self._chunks: list[bytes] = []
        self._gone = False

    def data_received(self, chunk: bytes) -> None:
        """A piece of the body."""
        self._chunks.append(chunk)

    def finish(self) -> None:
        """The request is whole: decides and answers it, or sets out to do what a fault asks for."""
        body = b"".join(self._chunks)
        if self._request.method != "POST":
            self._desk.turn_away(self._request.path, len(body), WRONG_VERB.status)
            self._send(WRONG_VERB)
            return
        arrival = self._desk.receive(self._method, self._request.path, self._request.headers, body)
        if arrival.fault is None and not arrival.latency:
            self._conclude(arrival, self._process(arrival))
        else:
            self._connection.set_close_callback(self._leave)
            self._desk.attend(self._take_time(arrival))

    def _leave(self) -> None:
        self._gone = True

    def _process(self, arrival: Arrival) -> Answer:
        refusal = self._desk.process(arrival)
        return accepted(len(arrival.verdict.ids)) if refusal is None else refused(refusal)

    def _conclude(self, arrival: Arrival, answer: Answer) -> None:
        # The note first: whoever has the answer in hand finds the request complete in the journal.
        self._desk.finish(arrival.note, None if self._gone else answer.status)
        if not self._gone:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        headers = HTTPHeaders(dict(answer.headers))
        headers["Content-Length"] = str(len(answer.body))
        line = ResponseStartLine("HTTP/1.1", answer.status, reason(answer.status))
        self._connection.write_headers(line, headers, answer.body)
        self._connection.finish()

    async def _take_time(self, arrival: Arrival) -> None:
        if arrival.latency and await self._desk.closes_within(arrival.latency):
            self._connection.detach().close()
            return
        match arrival.fault:
            case None:
                self._conclude(arrival, self._process(arrival))
            case Status() as fault:
                self._conclude(arrival, on_request(fault))
            case ErrorIn2xx():
                self._conclude(arrival, error_in_2xx())
            case NotJson():
                self._conclude(arrival, in_html(self._process(arrival)))
            case _:
                await self._spoil(arrival)

    async def _spoil(self, arrival: Arrival) -> None:
        processes = not isinstance(arrival.fault, Hang | Reset)
        answer = self._process(arrival) if processes else failed(503, "not processed")
        status = None
        try:
            status = await self._deliver(arrival, answer)
        except StreamClosedError:
            log.info("sandbox.gone", number=arrival.note.number, fault=arrival.note.fault)
        if arrival.note.finished is None:
            self._desk.finish(arrival.note, status)

    async def _deliver(self, arrival: Arrival, answer: Answer) -> int | None:
        stream = self._connection.detach()
        match arrival.fault:
            case Hang() | HangAfter():
                await delivery.until_gone(stream, self._desk.stopping)
            case Reset() | ResetAfter():
                self._desk.finish(arrival.note, None)
                delivery.reset(stream)
            case Half():
                self._desk.finish(arrival.note, None)
                await delivery.break_off(stream, answer)
            case SlowDrip(seconds=seconds):
                whole = await delivery.drip(stream, answer, lambda: self._desk.closes_within(seconds))
                return answer.status if whole else None
        return None
