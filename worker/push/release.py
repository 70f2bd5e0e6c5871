"""Release and snooze: batches that can't go on now wait outside the worker's slot. Neither costs an attempt."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine

from worker.config.policy import Policy
from worker.database.rows import numbers
from worker.database.sql import sql
from worker.projects import pauses
from worker.push.batch_run import BatchRun, Group, ids
from worker.push.decide import PauseFor, confirm
from worker.settle.guard import guard
from worker.settle.settle import settle
from worker.settle.verdicts import Claimed, PutBack, Verdicts

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Releases:
    """The ways of a batch to stop without an answer. A probe that stops so has proved nothing: the next one may go."""

    engine: Engine
    policy: Policy

    def wait(self, run: BatchRun, seconds: float) -> None:
        """No permit for so long: the contacts wait in `pending`, but in the middle of a split the batch keeps its slices."""
        if run.is_split:
            self.snooze(run, seconds)
        else:
            self.put_back([run], seconds)

    def snooze(self, run: BatchRun, seconds: float) -> None:
        """The batch keeps its slices and goes on in so many seconds, under a new lease."""
        run.is_over = True
        with self.engine.begin() as connection:
            if not guard(connection, [run.lease]):
                return
            connection.execute(sql(__package__, "snooze"), {"batch": run.id, "after": seconds})
            self._rearm(connection, [run], seconds + self.policy.lease)
        log.info("snoozed", project=run.lease.project.id, batch=run.id, seconds=round(seconds, 3))

    def put_back(self, group: Group, seconds: float, *, pause: PauseFor | None = None) -> None:
        """All contacts of the batches wait in `pending` for so many seconds; with `pause` their project pauses."""
        for run in group:
            run.is_over = True
            run.paused = pause.reason.value if pause else run.paused
        with self.engine.begin() as connection:
            kept = guard(connection, [run.lease for run in group])
            ours = [run for run in group if run.id in kept]
            if not ours:
                return
            contacts = read_claimed(connection, ours)
            verdicts: Verdicts = [(contact, PutBack(seconds)) for contact in contacts]
            settle(connection, [run.lease for run in ours], verdicts)
            ours[0].note(verdicts)
            self._rearm(connection, ours, seconds)
            if pause:
                pauses.pause_for(connection, ours[0].lease.project.id, pause.reason, pause.detail, self.policy)
        log.info("released", project=ours[0].lease.project.id, batches=ids(ours), seconds=round(seconds, 3))

    def end(self, run: BatchRun) -> None:
        """Every slice is decided: what is left are refusals that are confirmed by it, and a probe that had nothing to post."""
        run.is_over = True
        is_idle_probe = run.probe and not run.posted
        if not run.unconfirmed and not is_idle_probe:
            return
        with self.engine.begin() as connection:
            if run.unconfirmed and guard(connection, [run.lease]):
                verdicts = confirm(run)
                settle(connection, [run.lease], verdicts)
                run.note(verdicts)
            if is_idle_probe:
                self._rearm(connection, [run], 0.0)

    def _rearm(self, connection: Connection, group: Group, seconds: float) -> None:
        if any(run.probe for run in group):
            pauses.rearm(connection, group[0].lease.project.id, seconds)


def read_claimed(connection: Connection, group: Group) -> list[Claimed]:
    """The contacts of the batches, in order."""
    found = connection.execute(sql(__package__, "contacts"), {"batches": numbers(ids(group))})
    return [Claimed(*row) for row in found]
