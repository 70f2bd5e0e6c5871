"""Push: one batch, from its message to its last verdict. The spine reads top to bottom."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine

from models import PauseReason
from worker.api.client import ApiClient
from worker.api.outcome import Accepted, Failed, Outcome, Refused, Throttled, name
from worker.config.model import Mapping, Method
from worker.database.sql import sql
from worker.document.wire import envelope
from worker.errors import LeaseLostError, LimiterUnavailableError, MappingBrokenError
from worker.limiter.bucket import Later, Limiter
from worker.points import Point, reach
from worker.projects import health, lanes, pauses
from worker.push.depart import PREPARATION, Departure, wait_for_departure
from worker.push.hold import hold, supersede_old
from worker.push.judge import Journey, Judgement, PauseFor, bury_suspects, judge, parts_of, suspects_of
from worker.push.model import Contact, Held, PutBack, Verdicts
from worker.push.policy import Policy
from worker.push.prepare import Ready, prepare
from worker.reading.reader import Reader, ReplicaUnavailableError
from worker.settle.settle import guard, lost, record_answer, settle

log = structlog.get_logger()

MOST_GIVEN_UP = 3
"""Grants that a request gives up because it is late for them; on a machine that is always late, it goes with the next."""
REPLICA_WAIT = 5.0
LIMITER_WAIT = 1.0
CURED_BY_AN_ANSWER = {PauseReason.API_DOWN, PauseReason.UNAUTHORIZED, PauseReason.UNEXPECTED_ANSWER}
CURED_BY_ACCEPTANCE = CURED_BY_AN_ANSWER | {PauseReason.REFUSING_ALL}


class PausedError(Exception):
    """The project was paused before the request began; the batch goes back."""


@dataclass(slots=True)
class Pusher:
    """Pushes batches. `sleep` waits seconds for a grant; `dice` spread the retries."""

    engine: Engine
    reader: Reader
    limiter: Limiter
    client: ApiClient
    mapping: Mapping
    policy: Policy
    dice: random.Random
    sleep: Callable[[float], None] = time.sleep

    def push(self, batch_id: int) -> None:
        """Push a batch that the collector has cut. A batch that somebody else holds, or that has ended, is left alone."""
        held = self._take(batch_id)
        if held is None:
            return
        try:
            self._travel(held)
        except LeaseLostError:
            log.warning("lease_lost", batch=held.id, project=held.project.id)
        except PausedError:
            self._put_all_back(held, 0.0)
        except ReplicaUnavailableError as error:
            log.warning("replica_unavailable", batch=held.id, project=held.project.id, problem=str(error))
            self._put_all_back(held, REPLICA_WAIT, rearm=True)
        except LimiterUnavailableError as error:
            log.warning("limiter_unavailable", batch=held.id, project=held.project.id, problem=str(error))
            self._put_all_back(held, LIMITER_WAIT, rearm=True)
        except MappingBrokenError as error:
            log.error(  # noqa: TRY400 - the problem says it all
                "mapping_broken", batch=held.id, project=held.project.id, problem=str(error)
            )
            self._put_all_back(held, 0.0, pause=PauseFor(PauseReason.MAPPING_BROKEN, str(error)))

    def _travel(self, held: Held) -> None:
        reach(Point.LEASED)
        contacts = self._contacts(held)
        waiting = [contact for contact in contacts if contact.suspect_status is None]
        ready, verdicts = prepare(held, waiting, self.mapping, self.reader.read)
        reach(Point.READ)
        going = self._hold_and_settle(held, ready, verdicts)
        reach(Point.HELD)
        suspects = suspects_of(contacts)
        journey = Journey(parts_of(going), suspects, accepted=held.accepted)
        while journey.parts:
            departure = wait_for_departure(self.limiter, held.project, self.policy.patience, self.sleep)
            if isinstance(departure, Later):
                in_the_middle = journey.posted or bool(suspects) or held.accepted
                self._postpone(held, journey, departure.wait, in_the_middle=in_the_middle)
                return
            reach(Point.GRANTED)
            if not self._post_next(held, journey, departure):
                return
        self._end(held, journey)

    def _take(self, batch_id: int) -> Held | None:
        with self._at_once() as connection:
            values = {"batch": batch_id, "lease": self.policy.lease}
            row = connection.execute(sql(__package__, "take"), values).one_or_none()
        if row is None:
            return None
        if row.project not in self.mapping.projects:
            log.error("project_unknown", batch=row.id, project=row.project)
            return None
        project = self.mapping.projects[row.project]
        method = Method(row.method)
        return Held(
            row.id, row.token, project, method, row.size, row.probe, row.accepted, row.batch_limit, row.taken_at
        )

    def _contacts(self, held: Held) -> list[Contact]:
        with self._at_once() as connection:
            rows = connection.execute(sql(__package__, "contacts"), {"batch": held.id})
            return [Contact(*row) for row in rows]

    def _hold_and_settle(self, held: Held, ready: list[Ready], verdicts: Verdicts) -> list[Ready]:
        with self.engine.begin() as connection:
            going, more = hold(connection, held, ready)
            if held.probe:
                pauses.lift(connection, held.project.id, {PauseReason.MAPPING_BROKEN})
            verdicts = supersede_old(connection, held, verdicts) + more
            if verdicts:
                settle(connection, held, verdicts)
        return going

    def _post_next(self, held: Held, journey: Journey, departure: Departure) -> bool:
        """Post the first part and settle what its answer decides; False when the batch does not go on."""
        part = journey.parts[0]
        body = envelope(held.method, [item.document.body for item in part])
        request = self._begin(held, journey, len(part))
        if request is None:
            return False
        self.sleep(max(0.0, departure.earliest - time.monotonic()))
        if time.monotonic() > departure.latest and journey.given_up < MOST_GIVEN_UP:
            self._withdraw(request)
            journey.given_up += 1
            return True
        del journey.parts[0]
        journey.posted, journey.given_up = True, 0
        reach(Point.BEGUN)
        started = time.monotonic()
        outcome = self.client.post(held.project, held.method, body)
        reach(Point.ANSWERED)
        judgement, ended = self._settle_answer(held, journey, part, request, outcome)
        reach(Point.SETTLED)
        log.info(
            "pushed",
            project=held.project.id,
            method=held.method.value,
            batch=held.id,
            request=request,
            entries=len(part),
            outcome=name(outcome),
            status=outcome.kind if isinstance(outcome, Failed) else outcome.status,
            ms=round((time.monotonic() - started) * 1000),
            paused=judgement.pause.reason.value if judgement.pause else None,
        )
        return not ended and not judgement.pause

    def _begin(self, held: Held, journey: Journey, entries: int) -> int | None:
        """Write the request down under the lease; None where the lease is too short for it and the batch goes on later."""
        needed = self.policy.timeout + PREPARATION
        values = {"batch": held.id, "token": held.token, "needed": needed, "entries": entries}
        with self._at_once() as connection:
            begun = connection.execute(sql(__package__, "begin"), values).one_or_none()
            if begun is not None:
                return int(begun.id)
            why = connection.execute(sql(__package__, "standing"), values).one_or_none()
        if why is None or not why.ours:
            raise lost(held)
        if why.paused:
            raise PausedError
        self._postpone(held, journey, 0.0, in_the_middle=True)
        return None

    def _withdraw(self, request: int) -> None:
        """The request is too late for its grant, and did not leave; the part waits for another."""
        log.info("grant_given_up", request=request)
        with self._at_once() as connection:
            connection.execute(sql(__package__, "withdraw"), {"request": request})

    def _at_once(self) -> Connection:
        """A connection on which each statement is a transaction of its own."""
        return self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def _settle_answer(
        self, held: Held, journey: Journey, part: list[Ready], request: int, outcome: Outcome
    ) -> tuple[Judgement, bool]:
        status = None if isinstance(outcome, Failed) and outcome.status is None else outcome.status
        with self.engine.begin() as connection:
            guard(connection, held)
            throttles = health.throttled(connection, held.project.id) - 1 if isinstance(outcome, Throttled) else 0
            judgement = judge(
                outcome,
                part,
                journey,
                policy=self.policy,
                dice=self.dice,
                probe=held.probe,
                throttles=throttles,
            )
            record_answer(connection, request, name(outcome), status)
            self._learn(connection, held, outcome, judgement, len(part))
            ended = settle(connection, held, judgement.verdicts, posted=[item.contact for item in part])
            if isinstance(outcome, Accepted) and not ended:
                connection.execute(sql(__package__, "mark_accepted"), {"batch": held.id})
            reach(Point.SETTLING)
        if isinstance(outcome, Throttled):
            self.limiter.hold(held.project, judgement.delay)
        return judgement, ended

    def _learn(  # noqa: C901 - one case an outcome
        self, connection: Connection, held: Held, outcome: Outcome, judgement: Judgement, entries: int
    ) -> None:
        """What the answer says of the project as a whole."""
        project = held.project.id
        match outcome:
            case Accepted():
                health.answered(connection, project)
                lanes.grow(connection, held, entries)
                if held.probe:
                    pauses.lift(connection, project, CURED_BY_ACCEPTANCE)
            case Refused(too_large=too_large):
                health.answered(connection, project)
                if too_large and entries > 1:
                    lanes.shrink(connection, held, entries)
                if held.probe:
                    pauses.lift(connection, project, CURED_BY_AN_ANSWER)
            case Throttled():
                health.hold(connection, project, judgement.delay)
                if held.probe:
                    pauses.rearm(connection, project, judgement.delay)
            case Failed(kind=kind):
                streak = health.failed(connection, project)
                if streak.is_down or held.probe:
                    detail = f"The API has failed {streak.failures} times in a row, the last time with {kind}."
                    self._pause(connection, project, PauseFor(PauseReason.API_DOWN, detail))
        if judgement.pause:
            self._pause(connection, project, judgement.pause)

    def _pause(self, connection: Connection, project: int, pause: PauseFor) -> None:
        first, longest = self.policy.probe_first, self.policy.probe_longest
        pauses.pause(connection, project, pause.reason, pause.detail, first=first, longest=longest)

    def _postpone(self, held: Held, journey: Journey, wait: float, *, in_the_middle: bool) -> None:
        """Wait outside the worker's slot: a whole batch goes back, one in the middle of a split keeps its parts."""
        with self.engine.begin() as connection:
            guard(connection, held)
            if in_the_middle:
                connection.execute(sql(__package__, "postpone"), {"batch": held.id, "after": wait})
            else:
                settle(connection, held, [(contact, PutBack(wait)) for contact in journey.rest()])
            if held.probe:
                pauses.rearm(connection, held.project.id, wait + self.policy.lease if in_the_middle else wait)
        log.info("postponed", project=held.project.id, batch=held.id, seconds=round(wait, 3))

    def _put_all_back(self, held: Held, after: float, *, pause: PauseFor | None = None, rearm: bool = False) -> None:
        with self.engine.begin() as connection:
            try:
                guard(connection, held)
            except LeaseLostError:
                return
            settle(connection, held, [(contact, PutBack(after)) for contact in self._contacts(held)])
            if pause:
                self._pause(connection, held.project.id, pause)
            if rearm and held.probe:
                pauses.rearm(connection, held.project.id, after)

    def _end(self, held: Held, journey: Journey) -> None:
        """Judge what is left when every part is decided."""
        if not journey.suspects and (journey.posted or not held.probe):
            return
        with self.engine.begin() as connection:
            if journey.suspects:
                guard(connection, held)
                settle(connection, held, bury_suspects(journey))
            if held.probe and not journey.posted:
                pauses.rearm(connection, held.project.id, 0.0)
