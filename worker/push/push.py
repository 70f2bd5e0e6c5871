"""Push: a convoy of batches, from its message to its last verdict. The spine reads top to bottom.

The batches of a convoy are read, held and settled together, which costs little more than one alone; each is a request of its own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Engine

from models import PauseReason
from worker.batches import Contact, Convoy, Leased, Ready, Verdicts
from worker.config.model import Mapping, Method
from worker.database.engines import at_once
from worker.database.rows import numbers
from worker.database.sql import sql
from worker.errors import MappingBrokenError
from worker.points import Point, reach
from worker.policy import Policy
from worker.projects import pauses
from worker.projects.addresses import Addresses
from worker.push.depart import Departures
from worker.push.hold import hold, look_up, sort_out
from worker.push.judge import Journey, PauseFor, judge_suspects, parts_of, suspects_of
from worker.push.land import Landings
from worker.push.prepare import prepare
from worker.push.trip import Trip, ids
from worker.push.turn_back import TurnBack
from worker.reading.reader import Reader, ReplicaUnavailableError
from worker.settle.settle import guard, settle

log = structlog.get_logger()

REPLICA_WAIT = 5.0
"""Seconds for which contacts wait where the CRM replica does not answer."""


@dataclass(slots=True)
class Pusher:
    """Pushes batches."""

    engine: Engine
    reader: Reader
    mapping: Mapping
    policy: Policy
    departures: Departures
    landings: Landings
    turn_back: TurnBack
    addresses: Addresses

    def push(self, *batches: int) -> None:
        """Push batches of one project and method that the collector has cut, together.

        One that somebody else holds, or that has ended, is left alone.
        """
        convoy = self._take(batches)
        if not convoy:
            return
        told = {"batches": ids(convoy), "project": convoy[0].project.id}
        try:
            self._travel(convoy)
        except ReplicaUnavailableError as error:
            log.warning("replica_unavailable", **told, problem=str(error))
            self.turn_back.put_back(convoy, REPLICA_WAIT, rearm=True)
        except MappingBrokenError as error:
            log.error("mapping_broken", **told, problem=str(error))  # noqa: TRY400 - the problem says it all
            pause = PauseFor(PauseReason.MAPPING_BROKEN, str(error))
            self.turn_back.put_back(convoy, 0.0, pause=pause)

    def _travel(self, convoy: Convoy) -> None:
        reach(Point.LEASED)
        contacts = self._contacts(convoy)
        waiting = [contact for contact in contacts if contact.suspect_status is None]
        ready, verdicts = prepare(convoy[0], waiting, self.mapping, self.reader.read)
        reach(Point.READ)
        trips = self._hold(convoy, contacts, ready, verdicts)
        reach(Point.HELD)
        while trips:
            flights = self.departures.depart([trip for trip in trips if trip.goes_on])
            self.landings.land(flights)
            for trip in trips:
                if not trip.goes_on and not trip.is_over:
                    self._end(trip)
            trips = [trip for trip in trips if trip.goes_on]

    def _take(self, batches: Sequence[int]) -> Convoy:
        values = {"batches": numbers(batches), "lease": self.policy.lease}
        lease_ends = time.monotonic() + self.policy.lease
        with at_once(self.engine) as connection:
            taken = connection.execute(sql(__package__, "take"), values).all()
        convoy: Convoy = []
        for row in sorted(taken, key=lambda row: row.id):
            if row.project not in self.mapping.projects:
                log.error("project_unknown", batch=row.id, project=row.project)
                continue
            project, method = self.mapping.projects[row.project], Method(row.method)
            more = (row.size, row.probe, row.accepted, row.batch_limit, row.taken_at, lease_ends)
            convoy.append(Leased(row.id, row.token, project, method, *more))
        return convoy

    def _contacts(self, convoy: Convoy) -> list[Contact]:
        with at_once(self.engine) as connection:
            found = connection.execute(sql(__package__, "contacts"), {"batches": numbers(ids(convoy))})
            return [Contact(*row) for row in found]

    def _hold(self, convoy: Convoy, contacts: Sequence[Contact], ready: list[Ready], verdicts: Verdicts) -> list[Trip]:
        """Take the ids, and settle what is decided already; what is left of each batch goes on its way."""
        held = hold(self.engine, convoy, ready)
        since = self.addresses.since(convoy[0].project.id)
        with at_once(self.engine) as connection:
            known = look_up(connection, convoy, held, verdicts, since)
        going, decided = sort_out(held, verdicts, known)
        ours = self._settle(convoy, decided)
        return [Trip(leased, journey(leased, contacts, going)) for leased in ours]

    def _settle(self, convoy: Convoy, decided: Verdicts) -> Convoy:
        """Settle what is decided before anything has left; the batches that go on, as far as we know."""
        if not decided and not any(leased.probe for leased in convoy):
            return convoy
        with self.engine.begin() as connection:
            ours = guard(connection, convoy)
            if any(leased.probe for leased in ours):
                pauses.lift(connection, ours[0].project.id, {PauseReason.MAPPING_BROKEN})
            batches = {leased.id for leased in ours}
            verdicts = [(contact, verdict) for contact, verdict in decided if contact.batch in batches]
            if verdicts:
                settle(connection, ours, verdicts)
        return ours

    def _end(self, trip: Trip) -> None:
        """Judge what is left when every part is decided."""
        leased, left = trip.leased, trip.journey
        trip.is_over = True
        if not left.suspects and (left.posted or not leased.probe):
            return
        with self.engine.begin() as connection:
            if left.suspects and guard(connection, [leased]):
                settle(connection, [leased], judge_suspects(left, probe=leased.probe))
            if leased.probe and not left.posted:
                pauses.rearm(connection, leased.project.id, 0.0)


def journey(leased: Leased, contacts: Sequence[Contact], going: Sequence[Ready]) -> Journey:
    """What is left of one batch of a convoy."""
    return Journey(
        parts_of([item for item in going if item.contact.batch == leased.id]),
        suspects_of([contact for contact in contacts if contact.batch == leased.id]),
        accepted=leased.accepted,
    )
