"""Depart: a request leaves when the rate limit lets it out, after a last look at its lease."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine

from worker.api.client import ApiClient
from worker.api.outcome import Outcome
from worker.config.model import Project
from worker.database.engines import at_once
from worker.database.rows import rows
from worker.database.sql import sql
from worker.document.wire import envelope
from worker.errors import LimiterUnavailableError
from worker.limiter.bucket import Later, Limiter, lateness
from worker.points import Point, reach
from worker.policy import Policy
from worker.push.trip import Flight, Trip
from worker.push.turn_back import TurnBack

log = structlog.get_logger()

PREPARATION = 0.03
"""Seconds between a grant and its request in a crowd: preparing takes now more, now less, and the receiver counts arrivals."""
MOST_GIVEN_UP = 3
"""Grants that a request gives up because it is late for them; on a machine that is always late, it goes with the next."""
USELESS_LEASE_WAIT = 1.0
"""Seconds for which a batch waits whose whole lease went by before a request could leave."""
LIMITER_WAIT = 1.0
"""Seconds for which contacts wait where Redis does not answer."""


@dataclass(frozen=True, slots=True)
class Departure:
    """When a request may leave: monotonic seconds."""

    earliest: float
    latest: float


def wait_for_departure(
    limiter: Limiter, project: Project, patience: float, sleep: Callable[[float], None]
) -> Departure | Later:
    """Wait for a grant at most `patience` seconds; Later where none comes so soon. Raises LimiterUnavailableError."""
    while True:
        grant = limiter.take(project, patience)
        if isinstance(grant, Later):
            return grant
        earliest = time.monotonic() + grant.wait + (PREPARATION if grant.crowded else 0.0)
        departure = Departure(earliest, earliest + lateness(project.rate))
        if grant.wait <= 0:
            return departure
        sleep(grant.wait)
        if limiter.confirm(project, grant):
            return departure


@dataclass(slots=True)
class Departures:
    """Sends the parts of batches. `sleep` waits seconds; `senders` post side by side."""

    engine: Engine
    limiter: Limiter
    client: ApiClient
    policy: Policy
    turn_back: TurnBack
    senders: ThreadPoolExecutor
    sleep: Callable[[float], None] = time.sleep

    def depart(self, trips: Sequence[Trip]) -> list[Flight]:
        """Send the next part of each trip; those that can't go on now are over. One that was late for its grant has not left.

        Whoever has its grant leaves before somebody else's is waited for.
        """
        flights: list[Flight] = []
        granted: list[tuple[Trip, Departure]] = []
        alone = len(trips) == 1

        def leave() -> None:
            flights.extend(self._leave(granted, alone=alone))
            granted.clear()

        def leave_and_sleep(seconds: float) -> None:
            end = time.monotonic() + seconds
            leave()
            self.sleep(max(0.0, end - time.monotonic()))

        for trip in trips:
            departure = self._granted(trip, leave_and_sleep)
            if departure:
                reach(Point.GRANTED)
                granted.append((trip, departure))
        leave()
        return flights

    def _granted(self, trip: Trip, sleep: Callable[[float], None]) -> Departure | None:
        leased, journey = trip.leased, trip.journey
        left = leased.lease_ends - self._needed - time.monotonic()
        if left <= 0:
            self._renew(trip)
            return None
        try:
            departure = wait_for_departure(self.limiter, leased.project, min(self.policy.patience, left), sleep)
        except LimiterUnavailableError as error:
            log.warning("limiter_unavailable", batch=leased.id, project=leased.project.id, problem=str(error))
            trip.is_over = True
            self.turn_back.put_back([leased], LIMITER_WAIT, rearm=True)
            return None
        if isinstance(departure, Later):
            in_the_middle = journey.posted or bool(journey.suspects) or leased.accepted or len(journey.parts) > 1
            self.turn_back.postpone(trip, departure.wait, in_the_middle=in_the_middle)
            return None
        return departure

    def _leave(self, granted: Sequence[tuple[Trip, Departure]], *, alone: bool) -> list[Flight]:
        """Send those whose last check is passed, and that are not too late for their grants."""
        if not granted:
            return []
        bodies = [
            envelope(trip.leased.method, [item.document.body for item in trip.journey.parts[0]]) for trip, _ in granted
        ]
        requests = self._begin([trip for trip, _ in granted])
        flights = []
        for (trip, departure), body in zip(granted, bodies, strict=True):
            request = requests.get(trip.leased.id)
            if request is None:
                continue
            wait = departure.earliest - time.monotonic()
            if wait > 0:
                self.sleep(wait)
            if time.monotonic() > departure.latest and trip.journey.given_up < MOST_GIVEN_UP:
                self._give_up(trip, request)
            else:
                flights.append(self._send(trip, request, body, alone=alone))
        return flights

    def _begin(self, trips: Sequence[Trip]) -> dict[int, int]:
        """Write the requests down under their leases; by batch, the ids of those that may leave. The other trips are over."""
        wanted = [(trip.leased.id, trip.leased.token, len(trip.journey.parts[0])) for trip in trips]
        values = {"requests": rows(("batch", "token", "entries"), wanted), "needed": self._needed}
        with at_once(self.engine) as connection:
            begun = {row.batch_id: row.id for row in connection.execute(sql(__package__, "begin"), values)}
        for trip in trips:
            if trip.leased.id not in begun:
                self._turn_back(trip)
        return begun

    def _turn_back(self, trip: Trip) -> None:
        """Its lease is lost, a pause has come between, or the lease is too short for a request: then it goes on under a new one."""
        leased = trip.leased
        with at_once(self.engine) as connection:
            values = {"batch": leased.id, "token": leased.token}
            why = connection.execute(sql(__package__, "standing"), values).one_or_none()
        if why is not None and why.ours and not why.paused:
            self._renew(trip)
            return
        trip.is_over = True
        if why is not None and why.ours:
            self.turn_back.put_back([leased], 0.0)
        else:
            log.warning("lease_lost", batch=leased.id, project=leased.project.id)

    @property
    def _needed(self) -> float:
        """Seconds of its lease that a request needs."""
        return self.policy.timeout + PREPARATION

    def _renew(self, trip: Trip) -> None:
        """Its lease is too short for another request: it goes on under a new one, at once where this one was of use."""
        self.turn_back.postpone(trip, 0.0 if trip.journey.posted else USELESS_LEASE_WAIT, in_the_middle=True)

    def _give_up(self, trip: Trip, request: int) -> None:
        """The request is too late for its grant, and did not leave; the part waits for another."""
        log.info("grant_given_up", request=request)
        trip.journey.given_up += 1
        with at_once(self.engine) as connection:
            connection.execute(sql(__package__, "withdraw"), {"request": request})

    def _send(self, trip: Trip, request: int, body: bytes, *, alone: bool) -> Flight:
        part = trip.journey.parts.pop(0)
        trip.journey.posted, trip.journey.given_up = True, 0
        reach(Point.BEGUN)
        left = time.monotonic()
        if not alone:
            answer = self.senders.submit(self.client.post, trip.leased.project, trip.leased.method, body)
        else:
            answer = Future[Outcome]()
            answer.set_result(self.client.post(trip.leased.project, trip.leased.method, body))
        return Flight(trip, part, request, left, answer)
