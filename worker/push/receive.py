"""Receive: answers are decided on, and what they decide is settled."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine

from models import Method
from worker.api.outcome import Accepted, Failed, Outcome, Refused, Throttled, Unauthorized, Unexpected, name
from worker.config.model import Project
from worker.config.policy import Policy
from worker.database.rows import numbers
from worker.database.sql import sql
from worker.errors import LimiterUnavailableError
from worker.failpoints import Failpoint, hit
from worker.limiter.bucket import Limiter
from worker.projects import health, lanes, pauses
from worker.projects.streaks import Streaks
from worker.push.batch_run import SentRequest
from worker.push.decide import Decision, decide, streak_of
from worker.settle.guard import guard
from worker.settle.settle import record_answers, settle

log = structlog.get_logger()

LEVELS: dict[type[Outcome], int] = {
    Accepted: logging.INFO,
    Throttled: logging.INFO,
    Refused: logging.WARNING,
    Failed: logging.WARNING,
    Unauthorized: logging.ERROR,
    Unexpected: logging.ERROR,
}
"""At which level an answer is told."""
TOGETHER = 0.01
"""Seconds for which the first answer waits for others, to be settled with them."""


@dataclass(slots=True)
class Receiver:
    """Settles requests that have left. `dice` spread the retries."""

    engine: Engine
    limiter: Limiter
    policy: Policy
    dice: random.Random

    def receive(self, sent: Sequence[SentRequest]) -> None:
        """Wait for the answers, and settle what they decide; batch runs that end by it are over."""
        under_way = {request.answer: request for request in sent}
        while under_way:
            wait(under_way, return_when=FIRST_COMPLETED)
            answered, _ = wait(under_way, timeout=TOGETHER)
            hit(Failpoint.ANSWERED)
            self._settle([request for answer, request in under_way.items() if answer in answered])
            hit(Failpoint.SETTLED)
            under_way = {answer: request for answer, request in under_way.items() if answer not in answered}

    def _settle(self, answered: Sequence[SentRequest]) -> None:
        settled_at = time.monotonic()
        with self.engine.begin() as connection:
            kept = guard(connection, [request.run.lease for request in answered])
            ours = [request for request in answered if request.run.id in kept]
            decisions = self._decide_all(connection, ours)
            if ours:
                self._write(connection, ours, decisions)
            hit(Failpoint.SETTLING)
        for request in answered:
            request.run.is_over |= request.run.id not in kept
        for request, decision in zip(ours, decisions, strict=True):
            request.run.note(decision.verdicts)
            request.run.outcome = name(request.answer.result())
            if decision.pause:
                request.run.paused = decision.pause.reason.value
            if decision.throttle is not None:
                self._throttle(request.run.lease.project, decision.throttle)
            log_push(request, decision, settled_at)

    def _throttle(self, project: Project, seconds: float) -> None:
        """Tell all workers; if Redis is away, PostgreSQL has it already, and the other answers are settled all the same."""
        try:
            self.limiter.throttle(project, seconds)
        except LimiterUnavailableError as error:
            log.warning("limiter_unavailable", project=project.id, problem=str(error))

    def _decide_all(self, connection: Connection, ours: Sequence[SentRequest]) -> list[Decision]:
        """Decide on answers of one lane in turn; a streak that one of them ends is not ended again by the next."""
        decisions, ended = [], Streaks.NONE
        for request in ours:
            run, outcome = request.run, request.answer.result()
            project, method = run.lease.project.id, run.lease.method
            counted = streak_of(outcome, request.items, run)
            streak = health.prolong(connection, project, method, request.id, counted)
            decision = decide(outcome, request.items, run, policy=self.policy, dice=self.dice, streak=streak)
            ended = Streaks.NONE if counted else ended
            if decision.ends not in ended:
                health.end(connection, project, method, decision.ends)
                ended |= decision.ends
            self._apply(connection, project, method, decision)
            decisions.append(decision)
        return decisions

    def _apply(self, connection: Connection, project: int, method: Method, decision: Decision) -> None:
        """Apply what an answer says of the project as a whole."""
        if decision.throttle is not None:
            health.throttle(connection, project, decision.throttle)
        if decision.batch_limit:
            learnt = decision.batch_limit
            lanes.learn(connection, project, method, learnt.limit, learnt.instead_of)
        cured = bool(decision.cures) and pauses.lift(connection, project, decision.cures)
        if decision.proves_nothing and not cured:
            pauses.prolong(connection, project, self.policy, at_least=decision.throttle or 0.0)
        if decision.pause:
            why = decision.pause
            pauses.pause_for(connection, project, why.reason, why.detail, self.policy, method=why.method)

    def _write(self, connection: Connection, ours: Sequence[SentRequest], decisions: Sequence[Decision]) -> None:
        outcomes = [(request.id, request.answer.result()) for request in ours]
        record_answers(
            connection, ours[0].run.lease, [(request, name(outcome), outcome.status) for request, outcome in outcomes]
        )
        verdicts = [verdict for decision in decisions for verdict in decision.verdicts]
        posted = [item.contact for request in ours for item in request.items]
        ended = settle(connection, [request.run.lease for request in ours], verdicts, posted=posted)
        for request, decision in zip(ours, decisions, strict=True):
            request.run.is_over = request.run.id in ended or decision.pause is not None
        going_on = [request.run.id for request in ours if request.run.accepted and request.run.id not in ended]
        if going_on:
            connection.execute(sql(__package__, "mark_accepted"), {"batches": numbers(going_on)})


def log_push(request: SentRequest, decision: Decision, settled_at: float) -> None:
    """One wide line a request; `settled_at`: monotonic seconds."""
    lease, outcome = request.run.lease, request.answer.result()
    log.log(
        LEVELS[type(outcome)],
        "pushed",
        project=lease.project.id,
        method=lease.method.value,
        batch=lease.batch,
        request=request.id,
        entries=len(request.items),
        outcome=name(outcome),
        status=outcome.status,
        ms=round((settled_at - request.left_at) * 1000),
        **({"kind": outcome.kind, "problem": outcome.sentence} if isinstance(outcome, Failed) else {}),
        **({"paused": decision.pause.reason.value} if decision.pause else {}),
    )
