"""Forget: everything that we hold of one contact is removed (a person's right to be forgotten)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

from sqlalchemy import Connection, Engine

from worker.config.model import Mapping, Source
from worker.database.locks import collecting, take_turn
from worker.database.sql import sql
from worker.errors import RefusedError

LOOK_EVERY = 0.1
"""Seconds between two looks at whether a contact's batch has ended."""
A_LITTLE = 10.0
"""Seconds beyond the lease after which its batch has surely ended, where a worker and beat are running."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows were removed; `waiting_fan_outs`: changed rows of this kind of contact that may still concern it."""

    changes: int
    waiting: int
    dead_letters: int
    delivery: int
    cursors: int
    waiting_fan_outs: int

    @property
    def removed(self) -> int:
        """All rows together that held something of the contact."""
        return self.changes + self.waiting + self.dead_letters + self.delivery + self.cursors


def forget(
    engine: Engine,
    mapping: Mapping,
    source: Source,
    key: str,
    *,
    patience: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Forgotten:
    """Remove the contact that `source` maps under `key`, in one transaction, whichever source its changes came from.

    Of a source whose rows name their projects, that of each project, one after the other. A contact in flight is waited for, at most
    `patience` seconds and outside any transaction; then RefusedError, and nothing of it is removed. Counts of what was sent stay, as
    they name nobody. Forgotten is also which change was accepted last: a producer's payload that was written before it and is
    committed only after it would be sent.
    """
    end = time.monotonic() + patience
    seen = [source.of(project) for project in _projects(engine, mapping, source, key)]
    removed = [_forget(engine, each, _names(mapping, each), key, end, patience, sleep) for each in seen]
    return Forgotten(*map(sum, zip(*map(astuple, removed), strict=True)))


def _projects(engine: Engine, mapping: Mapping, source: Source, key: str) -> list[int]:
    """The projects that hold anything of the contact; the source's own, if none does."""
    if not source.routed:
        return [source.project]
    values = {
        "method": source.method,
        "identity": source.identity,
        "sources": [other.name for other in mapping.sources.values()],
        "projects": mapping.projects_of(source),
        "key": key,
    }
    with engine.connect() as connection:
        return list(connection.execute(sql(__package__, "projects_of_contact"), values).scalars()) or [source.project]


def _names(mapping: Mapping, source: Source) -> list[str]:
    """The sources whose keys name the same contacts as this one's."""
    return [other.name for other in mapping.alike(source.project, source.method, source.identity)]


def _forget(
    engine: Engine,
    source: Source,
    sources: Sequence[str],
    key: str,
    end: float,
    patience: float,
    sleep: Callable[[float], None],
) -> Forgotten:
    contact = {"project": source.project, "method": source.method, "identity": source.identity, "key": key}
    while True:
        with engine.begin() as connection:
            # Under the collector's lock nothing is ingested and nothing is claimed, so a contact that is not in flight now
            # can't be claimed, and then be put back behind the step that has looked for it in `pending`. A batch under way
            # settles without this lock, and so goes on.
            take_turn(connection, collecting(source.project, source.method))
            batch = connection.execute(sql(__package__, "batch_of_contact"), contact).scalar()
            if batch is None:
                return _remove(connection, contact, sources)
        if time.monotonic() >= end:
            raise RefusedError(
                f"The contact is in batch {batch}, which has not ended within {patience:g} s:"
                " see that a worker and beat are running, and try again."
            )
        sleep(LOOK_EVERY)


def _remove(connection: Connection, contact: dict[str, object], sources: Sequence[str]) -> Forgotten:
    """The steps follow a change's way: what moves on meanwhile (a dead letter that is requeued) is met by a later step.

    Each statement waits for whoever holds its rows, and sees what they have committed. What is committed after that, an
    fan-out's or a backfill's key, comes from the CRM, and is a change like any other.
    """
    values = {**contact, "sources": sources}

    def run(name: str) -> int:
        return connection.execute(sql(__package__, name), values).rowcount

    changes, dead_letters, waiting, delivery = (
        run("forget_changes"),
        run("forget_dead_letters"),
        run("forget_pending"),
        run("forget_delivery"),
    )
    run("forget_shared_id")
    run("forget_drift")
    run("forget_routes")
    cursors = run("forget_cursors")
    waiting_fan_outs = connection.execute(sql(__package__, "waiting_fan_outs"), values).scalar_one()
    return Forgotten(changes, waiting, dead_letters, delivery, cursors, waiting_fan_outs)
