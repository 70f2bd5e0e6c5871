"""Turns: which source is reconciled or polled next. One walker of a purpose at a time, so that live changes find a process free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from models import WalkPurpose
from worker.config.model import Source
from worker.database.locks import kept
from worker.database.sql import sql
from worker.errors import MappingBrokenError, ReplicaUnavailableError
from worker.reconcile.reconcile import Found, Reconciler, Step
from worker.reconcile.state import fail, request_nightly

log = structlog.get_logger()

PATIENCE = 60.0
"""Seconds after which a source that could not be read has its next turn."""


@dataclass(slots=True)
class Turns:
    """Gives sources their turns. `polled`: those without triggers.

    `at`: when the nightly reconciliation begins, in seconds since midnight (UTC), None for none.
    """

    reconciler: Reconciler
    polled: Callable[[], list[Source]]
    at: float | None

    def reconcile(self) -> bool:
        """A stretch of the source whose turn it is; whether more is to be done now."""
        with kept(self.reconciler.engine, "reconciling") as is_ours:
            if not is_ours:
                return False
            if self.at is not None:
                request_nightly(self.reconciler.engine, self.reconciler.mapping.sources, self.at)
            return self._take(WalkPurpose.RECONCILE, self._due(), self.reconciler.stretch)

    def poll(self) -> bool:
        """A stretch of the polled source whose turn it is; whether more is to be done now."""
        polled = self.polled()
        if not polled:
            return False
        with kept(self.reconciler.engine, "polling") as is_ours:
            return is_ours and self._take(WalkPurpose.POLL, self._due_polls(polled), self.reconciler.poll)

    def _take(self, purpose: WalkPurpose, due: list[str], walk: Callable[[Source], Found]) -> bool:
        """Walk over the first of the `due` sources that no other process has."""
        for name in due:
            source = self.reconciler.mapping.sources[name]
            try:
                found = walk(source)
            except (MappingBrokenError, ReplicaUnavailableError) as error:
                fail(self.reconciler.engine, name, purpose)
                log.error(  # noqa: TRY400 - the problem says it all
                    f"{purpose}_failed", source=name, project=source.project, problem=str(error)
                )
                continue
            if found.step is not Step.BUSY:
                return found.step is Step.GOES_ON or len(due) > 1
        return False

    def _due(self) -> list[str]:
        values = {"sources": list(self.reconciler.mapping.sources), "patience": PATIENCE}
        with self.reconciler.engine.connect() as connection:
            return list(connection.execute(sql(__package__, "due"), values).scalars())

    def _due_polls(self, polled: list[Source]) -> list[str]:
        values = {
            "sources": [source.name for source in polled],
            "intervals": [source.poll_interval for source in polled],
            "patience": PATIENCE,
        }
        with self.reconciler.engine.connect() as connection:
            return list(connection.execute(sql(__package__, "due_polls"), values).scalars())
