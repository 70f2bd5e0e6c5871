"""Send: a request leaves when the rate limit lets it out, after a last look at its lease."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Engine, Row

from worker.api.client import ApiClient
from worker.config.model import Project
from worker.config.policy import Policy
from worker.database.engines import at_once
from worker.database.rows import rows
from worker.database.sql import sql
from worker.document.wire import envelope
from worker.errors import LimiterUnavailableError
from worker.failpoints import Failpoint, hit
from worker.limiter.bucket import Later, Limiter, lateness
from worker.push.batch_run import BatchRun, SentRequest
from worker.push.release import Releases
from worker.upkeep.posted import PostedMarks

log = structlog.get_logger()

PREPARATION = 0.03
"""Seconds between a permit and its request in a crowd: preparing takes now more, now less, and the receiver counts arrivals."""
MOST_LATE = 3
"""Permits that a request gives up because it is late for them; on a machine that is always late, it goes with the next."""
USELESS_LEASE_WAIT = 1.0
"""Seconds for which a batch waits whose whole lease went by before a request could leave."""
LIMITER_WAIT = 1.0
"""Seconds for which contacts wait when Redis does not answer."""


@dataclass(frozen=True, slots=True)
class SendWindow:
    """When a request may leave: monotonic seconds."""

    earliest: float
    latest: float


def wait_for_permit(
    limiter: Limiter, project: Project, patience: float, sleep: Callable[[float], None]
) -> SendWindow | Later:
    """Wait for a permit at most `patience` seconds; Later if none comes so soon. Raises LimiterUnavailableError."""
    while True:
        permit = limiter.take(project, patience)
        if isinstance(permit, Later):
            return permit
        earliest = time.monotonic() + permit.wait + (PREPARATION if permit.crowded else 0.0)
        window = SendWindow(earliest, earliest + lateness(project.rate))
        if permit.wait <= 0:
            return window
        sleep(permit.wait)
        if limiter.confirm(project, permit):
            return window


@dataclass(slots=True)
class Sender:
    """Sends slices of batches. `sleep` waits seconds; `threads` post side by side; `marks` remember what left."""

    engine: Engine
    limiter: Limiter
    client: ApiClient
    policy: Policy
    releases: Releases
    threads: ThreadPoolExecutor
    marks: PostedMarks
    sleep: Callable[[float], None] = time.sleep

    def send(self, runs: Sequence[BatchRun]) -> list[SentRequest]:
        """Send the next slice of each batch; those that can't go on now are over. One that was late for its permit has not left.

        A request that has its permit leaves before another's permit is waited for.
        """
        outgoing = _Outgoing(self)
        for run in runs:
            window = self._permit(run, outgoing.send_and_sleep)
            if window:
                hit(Failpoint.PERMITTED)
                outgoing.permitted.append((run, window))
        outgoing.send()
        return outgoing.sent

    def _permit(self, run: BatchRun, sleep: Callable[[float], None]) -> SendWindow | None:
        project = run.lease.project
        left = run.lease.ends - self._needed - time.monotonic()
        if left <= 0:
            self._renew(run)
            return None
        try:
            window = wait_for_permit(self.limiter, project, min(self.policy.patience, left), sleep)
        except LimiterUnavailableError as error:
            log.warning("limiter_unavailable", batch=run.id, project=project.id, problem=str(error))
            self.releases.put_back([run], LIMITER_WAIT)
            return None
        if isinstance(window, Later):
            self.releases.wait(run, window.wait)
            return None
        return window

    def send_permitted(self, permitted: Sequence[tuple[BatchRun, SendWindow]]) -> list[SentRequest]:
        """Post those that pass the last check, and are not too late for their permits."""
        if not permitted:
            return []
        bodies = [envelope(run.lease.method, [item.document.body for item in run.slices[0]]) for run, _ in permitted]
        requests = self._open([run for run, _ in permitted])
        sent: list[SentRequest] = []
        for (run, window), body in zip(permitted, bodies, strict=True):
            request = requests.get(run.id)
            if request is None:
                continue
            early = window.earliest - time.monotonic()
            if early > 0:
                self.sleep(early)
            if time.monotonic() > window.latest and run.late < MOST_LATE:
                self._give_up(run, request.id)
            else:
                sent.append(self._post(run, request.id, body))
                last = request
        if sent:
            self.threads.submit(self.marks.note, last.id, last.posted_at)
        return sent

    def _open(self, runs: Sequence[BatchRun]) -> dict[int, Row[Any]]:
        """Write the requests down under their leases; by batch, those that may leave. The other batches go no further now."""
        wanted = [(run.id, run.lease.token, len(run.slices[0])) for run in runs]
        values = {"requests": rows(("batch", "token", "entries"), wanted), "needed": self._needed}
        with at_once(self.engine) as connection:
            opened = {row.batch_id: row for row in connection.execute(sql(__package__, "open_requests"), values)}
        for run in runs:
            if run.id not in opened:
                self._stop(run)
        return opened

    def _stop(self, run: BatchRun) -> None:
        """Its lease is lost, a pause has come between, or the lease is too short for a request: then it goes on under a new one."""
        with at_once(self.engine) as connection:
            values = {"batch": run.id, "token": run.lease.token}
            found = connection.execute(sql(__package__, "why_closed"), values).one_or_none()
        if found is None or not found.is_ours:
            run.is_over = True
            log.warning("lease_lost", batch=run.id, project=run.lease.project.id)
        elif found.is_paused:
            self.releases.put_back([run], 0.0)
        else:
            self._renew(run)

    @property
    def _needed(self) -> float:
        """Seconds of its lease that a request needs."""
        return self.policy.timeout + PREPARATION

    def _renew(self, run: BatchRun) -> None:
        """Its lease is too short for another request: it goes on under a new one, at once if this one was of use."""
        self.releases.snooze(run, 0.0 if run.posted else USELESS_LEASE_WAIT)

    def _give_up(self, run: BatchRun, request: int) -> None:
        """The request is too late for its permit, and did not leave; the slice waits for another."""
        log.info("permit_given_up", request=request)
        run.late += 1
        with at_once(self.engine) as connection:
            connection.execute(sql(__package__, "withdraw"), {"request": request})

    def _post(self, run: BatchRun, request: int, body: bytes) -> SentRequest:
        items = run.slices.pop(0)
        run.posted, run.late = True, 0
        hit(Failpoint.OPENED)
        left_at = time.monotonic()
        answer = self.threads.submit(self.client.post, run.lease.project, run.lease.method, body)
        return SentRequest(run, items, request, left_at, answer)


@dataclass(slots=True)
class _Outgoing:
    """The requests of one call: those that have their permits, and those that have left."""

    sender: Sender
    permitted: list[tuple[BatchRun, SendWindow]] = field(default_factory=list)
    sent: list[SentRequest] = field(default_factory=list)

    def send(self) -> None:
        self.sent.extend(self.sender.send_permitted(self.permitted))
        self.permitted.clear()

    def send_and_sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self.send()
        self.sender.sleep(max(0.0, end - time.monotonic()))
