"""Land: answers are judged, and what they decide is settled."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine

from models import PauseReason
from worker.api.outcome import Accepted, Failed, Outcome, Refused, Throttled, name
from worker.config.model import Project
from worker.database.rows import numbers
from worker.database.sql import sql
from worker.errors import LimiterUnavailableError
from worker.limiter.bucket import Limiter
from worker.points import Point, reach
from worker.policy import Policy
from worker.projects import health, lanes, pauses
from worker.push.judge import ALL_REFUSED, Judgement, PauseFor, judge
from worker.push.trip import Flight, ids
from worker.settle.settle import guard, record_answers, settle

log = structlog.get_logger()

TOGETHER = 0.01
"""Seconds for which the first answer waits for others, to be settled with them."""
CURED_BY_AN_ANSWER = {PauseReason.API_DOWN, PauseReason.UNAUTHORIZED, PauseReason.UNEXPECTED_ANSWER}
CURED_BY_ACCEPTANCE = CURED_BY_AN_ANSWER | {PauseReason.REFUSING_ALL}


@dataclass(slots=True)
class Landings:
    """Settles requests that have left. `dice` spread the retries."""

    engine: Engine
    limiter: Limiter
    policy: Policy
    dice: random.Random

    def land(self, flights: Sequence[Flight]) -> None:
        """Wait for the answers, and settle what they decide; trips that come to their end by it are over."""
        under_way = {flight.answer: flight for flight in flights}
        while under_way:
            wait(under_way, return_when=FIRST_COMPLETED)
            answered, _ = wait(under_way, timeout=TOGETHER)
            reach(Point.ANSWERED)
            landed = [flight for answer, flight in under_way.items() if answer in answered]
            self._settle(landed)
            reach(Point.SETTLED)
            under_way = {answer: flight for answer, flight in under_way.items() if answer not in answered}

    def _settle(self, landed: Sequence[Flight]) -> None:
        at = time.monotonic()
        with self.engine.begin() as connection:
            ours = set(ids(guard(connection, [flight.trip.leased for flight in landed])))
            kept = [flight for flight in landed if flight.trip.leased.id in ours]
            judgements = [self._judge(connection, flight) for flight in kept]
            if kept:
                self._write(connection, kept, judgements)
            reach(Point.SETTLING)
        for flight in landed:
            flight.trip.is_over |= flight.trip.leased.id not in ours
        for flight, judgement in zip(kept, judgements, strict=True):
            outcome = flight.answer.result()
            if isinstance(outcome, Throttled):
                self._hold_back(flight.trip.leased.project, judgement.delay)
            tell(flight, outcome, judgement, at)

    def _hold_back(self, project: Project, seconds: float) -> None:
        """Tell all workers; where Redis is away, PostgreSQL holds it already, and the other answers are settled all the same."""
        try:
            self.limiter.hold(project, seconds)
        except LimiterUnavailableError as error:
            log.warning("limiter_unavailable", project=project.id, problem=str(error))

    def _judge(self, connection: Connection, flight: Flight) -> Judgement:
        leased, outcome = flight.trip.leased, flight.answer.result()
        throttles = health.throttled(connection, leased.project.id) - 1 if isinstance(outcome, Throttled) else 0
        refusals = 0
        if isinstance(outcome, Refused) and is_narrow(flight):
            refusals = health.refused(connection, leased.project.id) - 1
        judgement = judge(
            outcome,
            flight.part,
            flight.trip.journey,
            policy=self.policy,
            dice=self.dice,
            probe=leased.probe,
            throttles=throttles,
            refusals=refusals,
        )
        self._learn(connection, flight, outcome, judgement)
        return judgement

    def _write(self, connection: Connection, kept: Sequence[Flight], judgements: Sequence[Judgement]) -> None:
        outcomes = [flight.answer.result() for flight in kept]
        answers = zip(kept, outcomes, strict=True)
        record_answers(connection, [(flight.request, name(outcome), outcome.status) for flight, outcome in answers])
        verdicts = [verdict for judgement in judgements for verdict in judgement.verdicts]
        posted = [item.contact for flight in kept for item in flight.part]
        ended = settle(connection, [flight.trip.leased for flight in kept], verdicts, posted=posted)
        for flight, judgement in zip(kept, judgements, strict=True):
            flight.trip.is_over = flight.trip.leased.id in ended or judgement.pause is not None
        going_on = [
            flight.trip.leased.id
            for flight, outcome in zip(kept, outcomes, strict=True)
            if isinstance(outcome, Accepted) and flight.trip.leased.id not in ended
        ]
        if going_on:
            connection.execute(sql(__package__, "mark_accepted"), {"batches": numbers(going_on)})

    def _learn(  # noqa: C901 - one case an outcome
        self, connection: Connection, flight: Flight, outcome: Outcome, judgement: Judgement
    ) -> None:
        """What the answer says of the project as a whole."""
        leased, entries = flight.trip.leased, len(flight.part)
        project = leased.project.id
        match outcome:
            case Accepted():
                health.accepted(connection, project)
                lanes.grow(connection, leased, entries)
                if leased.probe:
                    pauses.lift(connection, project, CURED_BY_ACCEPTANCE)
            case Refused(too_large=too_large):
                health.answered(connection, project)
                if too_large and entries > 1:
                    lanes.shrink(connection, leased, entries)
                if leased.probe and not pauses.lift(connection, project, CURED_BY_AN_ANSWER):
                    pauses.prolong(connection, project, self.policy)
            case Throttled():
                health.hold_back(connection, project, judgement.delay)
                if leased.probe:
                    pauses.prolong(connection, project, self.policy, at_least=judgement.delay)
            case Failed(kind=kind):
                streak = health.failed(connection, project)
                if streak.is_down:
                    detail = f"The API has failed {streak.failures} times in a row, the last time with {kind}."
                    self._pause(connection, project, PauseFor(PauseReason.API_DOWN, detail))
                elif leased.probe:
                    pauses.prolong(connection, project, self.policy)
        if judgement.pause:
            self._pause(connection, project, judgement.pause)

    def _pause(self, connection: Connection, project: int, pause: PauseFor) -> None:
        pauses.pause_for(connection, project, pause.reason, pause.detail, self.policy)


def is_narrow(flight: Flight) -> bool:
    """A single whose batch is too small to show that the API refuses everything, as failures or a 413 have narrowed it."""
    leased, contact = flight.trip.leased, flight.part[0].contact
    learnt = leased.batch_limit is not None and leased.batch_limit < ALL_REFUSED
    return len(flight.part) == 1 and leased.size < ALL_REFUSED and (learnt or contact.attempts + contact.losses > 1)


def tell(flight: Flight, outcome: Outcome, judgement: Judgement, at: float) -> None:
    """One wide line a request; `at`: when its answer was settled (monotonic seconds)."""
    leased = flight.trip.leased
    paused = {"paused": judgement.pause.reason.value} if judgement.pause else {}
    log.info(
        "pushed",
        project=leased.project.id,
        method=leased.method.value,
        batch=leased.id,
        request=flight.request,
        entries=len(flight.part),
        outcome=name(outcome),
        status=outcome.status,
        ms=round((at - flight.left) * 1000),
        **({"kind": outcome.kind} if isinstance(outcome, Failed) else {}),
        **paused,
    )
