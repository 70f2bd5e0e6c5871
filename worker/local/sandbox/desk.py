"""What one sandbox is made of, and how it deals with one request short of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field

import structlog

from worker.config.model import Method
from worker.local.sandbox.book import Book
from worker.local.sandbox.faults import AnyFault, Faults, kind_of
from worker.local.sandbox.journal import Journal, Request
from worker.local.sandbox.rules import Limits, Refusal, Verdict, decide, project_of

log = structlog.get_logger("worker.local.sandbox")


@dataclass(slots=True)
class Arrival:
    """A request that has been read and noted: what the rules say of it, and which fault it meets.

    `latency` is how many seconds pass before it is processed.
    """

    method: Method
    project: int | None
    verdict: Verdict
    fault: AnyFault | None
    latency: float
    note: Request


@dataclass(slots=True)
class Desk:
    """The parts of a sandbox. `stopping` is set when it closes, so that no request waits any longer."""

    book: Book
    requests: Journal
    faults: Faults
    keys: Mapping[int, str] | None
    limits: Limits
    hosts: frozenset[str] | None
    epoch: str
    stopping: asyncio.Event
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def receive(self, method: Method, path: str, headers: Mapping[str, str], body: bytes) -> Arrival:
        """Reads and notes a POST to a method of the API."""
        project = project_of(headers)
        limits = self.faults.limits(project, method, self.limits)
        verdict = decide(method, headers, body, self.keys, limits)
        note = self.requests.open(project, method.value, path, verdict.ids, len(body))
        fault = self.faults.take(project, method)
        note.fault = None if fault is None else kind_of(fault)
        return Arrival(method, project, verdict, fault, self.faults.latency(project, method), note)

    def turn_away(self, path: str, size: int, status: int) -> None:
        """Notes a request that no method of the API takes: the client under test may have made it."""
        self.finish(self.requests.open(None, None, path, (), size), status)

    def attend(self, work: Coroutine[None, None, None]) -> None:
        """Does something that takes time beside the rest, until the sandbox closes."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def closes_within(self, seconds: float) -> bool:
        """Waits, at most so long, for the sandbox to close."""
        try:
            async with asyncio.timeout(seconds):
                return await self.stopping.wait()
        except TimeoutError:
            return False

    def process(self, arrival: Arrival) -> Refusal | None:
        """Accepts the entries, or says why not."""
        verdict, project = arrival.verdict, arrival.project
        if verdict.refusal or verdict.posted is None or project is None:
            return verdict.refusal
        objection = self.faults.objection(project, arrival.method, verdict.posted.entries)
        if objection is None:
            self.book.accept(project, verdict.posted, verdict.ids)
            arrival.note.accepted = True
        return objection

    def finish(self, note: Request, status: int | None) -> None:
        """Completes a request's note, and logs it where nothing was accepted: ids and counts only."""
        self.requests.finish(note, status)
        if not note.accepted:
            log.info(
                "sandbox.not_accepted",
                number=note.number,
                project=note.project,
                method=note.method,
                status=status,
                fault=note.fault,
                entries=note.entries,
                size=note.size,
            )
