"""Turn back: batches that can't go on now wait outside the worker's slot."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy import Engine

from worker.batches import Contact, Convoy, PutBack
from worker.database.rows import numbers
from worker.database.sql import sql
from worker.policy import Policy
from worker.projects import pauses
from worker.push.judge import PauseFor
from worker.push.trip import Trip, ids
from worker.settle.settle import guard, settle

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TurnBack:
    """Two ways to wait: contacts go back to `pending`, or a batch in the middle of a split keeps its parts."""

    engine: Engine
    policy: Policy

    def postpone(self, trip: Trip, wait: float, *, in_the_middle: bool) -> None:
        """The batch goes on in `wait` seconds."""
        trip.is_over = True
        leased, journey = trip.leased, trip.journey
        with self.engine.begin() as connection:
            if not guard(connection, [leased]):
                return
            if in_the_middle:
                connection.execute(sql(__package__, "postpone"), {"batch": leased.id, "after": wait})
            else:
                settle(connection, [leased], [(contact, PutBack(wait)) for contact in journey.rest()])
            if leased.probe:
                pauses.rearm(connection, leased.project.id, wait + self.policy.lease if in_the_middle else wait)
        log.info("postponed", project=leased.project.id, batch=leased.id, seconds=round(wait, 3))

    def put_back(self, convoy: Convoy, after: float, *, pause: PauseFor | None = None, rearm: bool = False) -> None:
        """All contacts of the batches wait for `after` seconds; where `pause` says so, their project pauses."""
        with self.engine.begin() as connection:
            ours = guard(connection, convoy)
            if not ours:
                return
            batches = {"batches": numbers(ids(ours))}
            contacts = [Contact(*row) for row in connection.execute(sql(__package__, "contacts"), batches)]
            settle(connection, ours, [(contact, PutBack(after)) for contact in contacts])
            project = ours[0].project.id
            if pause:
                pauses.pause_for(connection, project, pause.reason, pause.detail, self.policy)
            if rearm and any(leased.probe for leased in ours):
                pauses.rearm(connection, project, after)
