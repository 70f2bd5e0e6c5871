"""Reconcile: every contact of a source is compared with what was last accepted; those that differ, or were never sent, wait.

A walk goes in stretches, each by whichever process has the source's lock; the next one goes on after the last key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

import structlog
from sqlalchemy import Engine

from models import WalkPurpose
from worker.config.model import Mapping, Source
from worker.database.locks import kept
from worker.database.sql import sql
from worker.failpoints import Failpoint, hit
from worker.projects.addresses import Address
from worker.read.reader import Reader
from worker.read.walk import Chunk, Walk
from worker.reconcile.compare import Compared, Comparison
from worker.reconcile.gone import Gone
from worker.reconcile.state import Figures, State

log = structlog.get_logger()

STRETCH = 5.0
"""Seconds for which a walk reads before it lets others have the process."""
START_SHARE = 4.0
"""A query that is slow to begin reads on for so many times that long: each stretch begins it anew."""
FEWEST = 100
"""Known contacts below which nothing is held."""


class Step(Enum):
    """What a stretch came to."""

    BUSY = auto()
    """Another process has the source."""
    GOES_ON = auto()
    ENDED = auto()
    HELD = auto()
    """Ended, with more drift than goes without an operator's word."""


@dataclass(frozen=True, slots=True)
class Found:
    """How a stretch ended, and what the walk has found up to there."""

    step: Step
    figures: Figures


@dataclass(slots=True)
class Reconciler:
    """Walks over sources. `hold`: the share of known contacts above which nothing is sent; `clock` is monotonic."""

    engine: Engine
    crm: Engine
    mapping: Mapping
    address: Address
    hold: float
    clock: Callable[[], float] = time.monotonic

    def stretch(
        self, source: Source, *, anew: bool = False, confirmed: bool = False, seconds: float = STRETCH
    ) -> Found:
        """Go on with the reconciliation of a source for a few seconds, or begin one.

        `anew`: from the first key; `confirmed`: nothing is held. Raises MappingBrokenError, ReplicaUnavailableError.
        """
        with kept(self.engine, lock(source)) as is_ours:
            if not is_ours:
                return Found(Step.BUSY, Figures())
            state = State.begin(self.engine, source, WalkPurpose.RECONCILE, anew=anew)
            if not state.is_over:
                if not self._walk(state, self.comparison(source), Walk(self.crm, source), seconds):
                    return Found(Step.GOES_ON, state.figures)
                if self._report(state, confirmed=confirmed):
                    return Found(Step.HELD, state.figures)
            hit(Failpoint.RECONCILED)
            state.release()
            return Found(Step.ENDED, state.figures)

    def poll(self, source: Source, *, seconds: float = STRETCH) -> Found:
        """Go on with the poll of a source for a few seconds, or begin one: what differs waits at once, and nothing is held."""
        with kept(self.engine, f"poll {source.name}") as is_ours:
            if not is_ours:
                return Found(Step.BUSY, Figures())
            state = State.begin(self.engine, source, WalkPurpose.POLL)
            walk = newer(state, Walk(self.crm, source))
            if not self._walk(state, self.comparison(source), walk, seconds):
                return Found(Step.GOES_ON, state.figures)
            state.end()
            return Found(Step.ENDED, state.figures)

    def dry_run(self, source: Source) -> Figures:
        """What a reconciliation of a source would find; nothing is written."""
        comparison, walk, figures = self.comparison(source), Walk(self.crm, source), Figures()
        for compared in self._everything(comparison, walk):
            figures.add(compared)
        return figures

    def confirm(self, source: Source) -> Figures | None:
        """Let go what is held of a source; None if nothing is."""
        with self.engine.begin() as connection:
            values = {"source": source.name, "projects": self.mapping.projects_of(source)}
            row = connection.execute(sql(__package__, "confirm"), values).one_or_none()
        return None if row is None else Figures(row.known, row.differing, row.never_sent, row.gone)

    def comparison(self, source: Source) -> Comparison:
        """How the contacts of a source are compared."""
        return Comparison(self.engine, Reader(self.crm), self.mapping, source, self.address.id)

    def _walk(self, state: State, comparison: Comparison, walk: Walk, seconds: float) -> bool:
        """Compare what comes after the last key; whether it is all done."""
        assert state.read_at is not None  # noqa: S101 - a walk that has begun has its time
        began = self.clock()
        end = None
        for chunk in walk.chunks(state.last_key):
            end = end or self.clock() + max(seconds, START_SHARE * (self.clock() - began))
            state.advance(next(reversed(chunk)), comparison.compare(chunk, state.read_at))
            hit(Failpoint.COMPARED)
            if self.clock() >= end:
                return False
        if not walk.more:
            for compared in Gone(comparison, walk).find():
                state.advance(state.last_key, compared)
        return True

    def _everything(self, comparison: Comparison, walk: Walk) -> Iterator[Compared]:
        with self.engine.connect() as connection:
            read_at = connection.execute(sql(__package__, "clock")).scalar_one()
        chunks: Iterator[Chunk] = walk.chunks(None)
        yield from (comparison.compare(chunk, read_at) for chunk in chunks)
        yield from Gone(comparison, walk).find()

    def _report(self, state: State, *, confirmed: bool) -> bool:
        """Write down and tell what was found; whether it is held."""
        figures = state.figures
        held = not confirmed and figures.is_too_much(self.hold, FEWEST)
        state.report(self.mapping.projects_of(state.source), held=held, confirmed=confirmed)
        tell = log.warning if held else log.info
        tell(
            "drift",
            source=state.source.name,
            project=state.source.project,
            differing=figures.differing,
            never_sent=figures.never_sent,
            gone=figures.gone,
            known=figures.known,
            held=held,
        )
        return held


def newer(state: State, walk: Walk) -> Walk:
    """The walk of a poll: over all rows, or over those whose `watermark` is above what was reached `poll_margin` seconds ago."""
    kind = walk.watermark_type()
    if kind is None:
        return walk
    is_time = kind.startswith(("timestamp", "date"))
    low = state.last_watermark if is_time else state.watermark
    if low is not None:
        bound = f"CAST({quoted(low)} AS {kind})"
        walk.more = f"q.watermark > {bound}" + (f" - interval '{state.source.poll_margin} s'" if is_time else "")
    if state.last_key is None:
        state.reaching(walk.highest_watermark(is_time=is_time))
    return walk


def quoted(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def lock(source: Source) -> str:
    """The lock under which a source is reconciled."""
    return f"reconcile {source.name}"
