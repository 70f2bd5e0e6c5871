"""Push: a group of batches, from its message to its last verdict. The spine reads top to bottom.

The batches of a group are read, reserved and settled together, which costs little more than one alone; each is a request of its own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Engine

from models import PauseReason
from worker.config.model import Mapping, Method
from worker.config.policy import Policy
from worker.database.engines import at_once
from worker.database.rows import numbers
from worker.database.sql import sql
from worker.errors import MappingBrokenError, ReplicaUnavailableError
from worker.failpoints import Failpoint, hit
from worker.projects import pauses
from worker.projects.addresses import Address
from worker.push.batch_run import BatchRun, Group, Ready, ids, result_of, slices_of
from worker.push.decide import PauseFor, unconfirmed_of
from worker.push.documents import build_documents
from worker.push.receive import Receiver
from worker.push.release import Releases, read_claimed
from worker.push.reserve import reserve
from worker.push.send import Sender
from worker.read.reader import Reader
from worker.settle.guard import guard
from worker.settle.settle import settle
from worker.settle.verdicts import Claimed, Lease, Verdicts

log = structlog.get_logger()

REPLICA_WAIT = 5.0
"""Seconds for which contacts wait when the CRM replica does not answer."""


@dataclass(slots=True)
class Pusher:
    """Pushes batches."""

    engine: Engine
    reader: Reader
    mapping: Mapping
    policy: Policy
    sender: Sender
    receiver: Receiver
    releases: Releases
    address: Address

    def push(self, *batches: int) -> dict[str, Any]:
        """Push batches of one project and method that the collector has cut, together; returns what became of them, in counts.

        One that another worker has, or that has ended, is left alone.
        """
        group = self._lease(batches)
        if not group:
            return {"batches": 0}
        which = {"batches": ids(group), "project": group[0].lease.project.id}
        try:
            self._run(group)
        except ReplicaUnavailableError as error:
            log.warning("replica_unavailable", **which, problem=str(error))
            self.releases.put_back(group, REPLICA_WAIT)
        except MappingBrokenError as error:
            log.error("mapping_broken", **which, problem=str(error))  # noqa: TRY400 - the problem says it all
            self.releases.put_back(group, 0.0, pause=PauseFor(PauseReason.MAPPING_BROKEN, str(error)))
        return result_of(group)

    def _run(self, group: Group) -> None:
        hit(Failpoint.LEASED)
        with at_once(self.engine) as connection:
            contacts = read_claimed(connection, group)
        to_read = [contact for contact in contacts if contact.refusal_status is None]
        ready, verdicts = build_documents(group[0].lease, to_read, self.mapping, self.reader.read)
        hit(Failpoint.READ)
        going, decided = reserve(self.engine, group, ready, verdicts)
        runs = self._settle(group, decided)
        for run in runs:
            load(run, contacts, going)
        hit(Failpoint.RESERVED)
        while runs:
            self.receiver.receive(self.sender.send([run for run in runs if run.goes_on]))
            for run in runs:
                if not run.goes_on and not run.is_over:
                    self.releases.end(run)
            runs = [run for run in runs if run.goes_on]

    def _lease(self, batches: Sequence[int]) -> Group:
        values = {"batches": numbers(batches), "lease": self.policy.lease}
        lease_ends = time.monotonic() + self.policy.lease
        with at_once(self.engine) as connection:
            leased = connection.execute(sql(__package__, "lease"), values).all()
        group: list[BatchRun] = []
        for row in sorted(leased, key=lambda row: row.id):
            if row.project not in self.mapping.projects:
                self._return(row.id, row.token, row.project)
                continue
            project = self.mapping.projects[row.project]
            lease = Lease(row.id, row.token, project, Method(row.method), lease_ends, self.address.id)
            group.append(BatchRun(lease, row.leased_at, row.size, row.probe, row.batch_limit, accepted=row.accepted))
        return group

    def _return(self, batch: int, token: int, project: int) -> None:
        """Another process may know the project: recovery sends the batch's message again."""
        log.error("project_unknown", batch=batch, project=project)
        with at_once(self.engine) as connection:
            connection.execute(sql(__package__, "return_lease"), {"batch": batch, "token": token})

    def _settle(self, group: Group, decided: Verdicts) -> Group:
        """Settle what is decided before anything has left; returns the batches that go on, as far as we know."""
        if not decided and not any(run.probe for run in group):
            return group
        with self.engine.begin() as connection:
            kept = guard(connection, [run.lease for run in group])
            ours = [run for run in group if run.id in kept]
            if any(run.probe for run in ours):
                pauses.lift(connection, ours[0].lease.project.id, {PauseReason.MAPPING_BROKEN})
            verdicts = [(contact, verdict) for contact, verdict in decided if contact.batch in kept]
            if verdicts:
                settle(connection, [run.lease for run in ours], verdicts)
        for run in ours:
            run.note([(contact, verdict) for contact, verdict in verdicts if contact.batch == run.id])
        return ours


def load(run: BatchRun, contacts: Sequence[Claimed], going: Sequence[Ready]) -> None:
    """What there is to post of one batch of a group, and what of it was refused before it waited."""
    run.slices = slices_of([item for item in going if item.contact.batch == run.id])
    run.unconfirmed = unconfirmed_of([contact for contact in contacts if contact.batch == run.id])
