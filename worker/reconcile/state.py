"""State: how far a walk has come and what it has found, in PostgreSQL, so that any process goes on with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Engine

from models import WalkPurpose
from worker.config.model import Source
from worker.database.rows import rows
from worker.database.sql import sql
from worker.reconcile.compare import Compared, Drift, Kind

RELEASED = 5_000
"""Contacts that a transaction lets wait."""


@dataclass(slots=True)
class Figures:
    """What a walk has found so far. `known`: contacts that the API is known to hold, the gone among them."""

    known: int = 0
    differing: int = 0
    never_sent: int = 0
    gone: int = 0

    def add(self, compared: Compared) -> None:
        """Count a chunk."""
        self.known += compared.known
        for _, _, kind in compared.drift:
            self.differing += kind is Kind.DIFFERING
            self.never_sent += kind is Kind.NEVER_SENT
            self.gone += kind is Kind.GONE

    def is_too_much(self, hold: float, fewest: int) -> bool:
        """Whether more than the share `hold` of at least `fewest` known contacts differs or is gone."""
        return self.known >= fewest and self.differing + self.gone > hold * self.known


@dataclass(slots=True)
class State:
    """A walk under way. `read_at`: the outbox's clock before this stretch is read. `is_over`: what was found is being released."""

    engine: Engine
    source: Source
    purpose: WalkPurpose
    last_key: str | None = None
    figures: Figures = field(default_factory=Figures)
    read_at: datetime | None = None
    is_over: bool = False
    watermark: str | None = None
    last_watermark: str | None = None

    @classmethod
    def begin(cls, engine: Engine, source: Source, purpose: WalkPurpose, *, anew: bool = False) -> State:
        """The walk of a source that is under way, or a new one; `anew`: a new one in any case."""
        with engine.begin() as connection:
            values = {"source": source.name, "purpose": purpose, "anew": anew}
            row = connection.execute(sql(__package__, "begin"), values).one()
            if row.last_key is None and not row.is_over and purpose is WalkPurpose.RECONCILE:
                connection.execute(sql(__package__, "clear"), {"source": source.name})
        figures = Figures(row.known, row.differing, row.never_sent, row.gone)
        return cls(
            engine,
            source,
            purpose,
            row.last_key,
            figures,
            row.read_at,
            row.is_over,
            row.watermark,
            row.last_watermark,
        )

    def advance(self, last_key: str | None, compared: Compared) -> None:
        """A chunk is compared: what it has found, and the progress, in one transaction."""
        self.last_key = last_key
        self.figures.add(compared)
        with self.engine.begin() as connection:
            self._keep(connection, compared.drift)
            connection.execute(sql(__package__, "advance"), {**self._name, "last_key": last_key, **figures_of(self)})

    def reaching(self, watermark: str | None) -> None:
        """The highest watermark before a poll begins to read."""
        with self.engine.begin() as connection:
            connection.execute(sql(__package__, "reaching"), {**self._name, "reaching": watermark})

    def report(self, projects: Sequence[int], *, held: bool, confirmed: bool) -> None:
        """All is compared; unless it is held, what was found is released from here on. `projects`: those that may have contacts of it."""
        source = self.source
        values = {"source": source.name, "project": source.project, "projects": list(projects), "method": source.method}
        values |= {"held": held, "confirmed": confirmed}
        with self.engine.begin() as connection:
            connection.execute(sql(__package__, "report"), values)
            connection.execute(sql(__package__, "end" if held else "over"), self._name)

    def release(self) -> None:
        """Let wait what was found, and end the walk."""
        values = {**kind_of(self.source), "limit": RELEASED}
        full = True
        while full:
            with self.engine.begin() as connection:
                full = connection.execute(sql(__package__, "release"), values).scalar_one() == RELEASED
        self.end()

    def end(self) -> None:
        """The walk has ended."""
        with self.engine.begin() as connection:
            if self.purpose is WalkPurpose.POLL:
                values = {"source": self.source.name, "margin": self.source.poll_margin}
                connection.execute(sql(__package__, "reach"), values)
            connection.execute(sql(__package__, "end"), self._name)

    def _keep(self, connection: Connection, drift: Drift) -> None:
        if not drift:
            return
        found = rows(("key", "project", "kind"), drift)
        if self.purpose is WalkPurpose.POLL:
            connection.execute(sql(__package__, "enqueue"), {**kind_of(self.source), "drift": found})
        else:
            connection.execute(sql(__package__, "set_apart"), {"source": self.source.name, "drift": found})

    @property
    def _name(self) -> dict[str, object]:
        return {"source": self.source.name, "purpose": self.purpose}


def figures_of(state: State) -> dict[str, int]:
    """The figures, as the statements take them."""
    figures = state.figures
    return {
        "known": figures.known,
        "differing": figures.differing,
        "never_sent": figures.never_sent,
        "gone": figures.gone,
    }


def kind_of(source: Source) -> dict[str, object]:
    """The source and the kind of its contacts, as the statements take them."""
    return {"source": source.name, "method": source.method, "identity": source.identity, "routed": source.routed}


def fail(engine: Engine, source: str, purpose: WalkPurpose) -> None:
    """The source can't be read now: others go first."""
    with engine.begin() as connection:
        connection.execute(sql(__package__, "fail"), {"source": source, "purpose": purpose})


def request_nightly(engine: Engine, sources: Iterable[str], at: float) -> None:
    """Ask for each source once a night, from `at` on: seconds since midnight, UTC, by PostgreSQL's clock."""
    with engine.begin() as connection:
        connection.execute(sql(__package__, "nightly"), {"sources": list(sources), "at": at})
