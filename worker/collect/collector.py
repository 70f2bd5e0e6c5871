"""Collect: what changed becomes batches. SQL only, cheap, one collector at a time per project and method."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row

from models import Priority
from worker.collect.cut import Candidate, behind_live, cut
from worker.collect.groups import BatchIds, Message, groups, messages
from worker.collect.ingest import Ingest
from worker.collect.watermark import Watermark
from worker.config.model import Mapping, Method, Project, Source
from worker.database.engines import at_once
from worker.database.locks import alone, collecting
from worker.database.rows import numbers, rows
from worker.database.sql import sql
from worker.failpoints import Failpoint, hit
from worker.limiter.bucket import Limiter, Slots
from worker.projects import pauses
from worker.projects.routes import Routes

HORIZON = 0.5
"""Seconds ahead for which batches are cut: nobody waits long inside a worker's slot, and none of the quota is lost."""
UNDER_WAY = 16
"""Batches of a project under way at once."""
BEHIND = 3
"""Batches under way at which no more are filled from a fan-out or a backfill while live changes come, so that these find a process free."""
CALM = 5.0
"""Seconds without a live change after which a fan-out or a backfill has all processes."""
NOTHING_TO_CUT = 0.05
"""Seconds to leave a project alone whose contacts are all in flight, or whose batches under way are enough."""
PROBE_CHOICE = 4
"""A probe is drawn from this many batches' worth of contacts, so that the same bad few don't meet every probe."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a round came to: messages to push; whether changed rows may be fanned out now; seconds to leave the project alone."""

    messages: tuple[Message, ...] = ()
    has_fan_outs: bool = False
    rest: float = 0.0


class Collector:
    """Rounds of collection. `probe_lease`: seconds within which a probe must have come to an end; `clock` is monotonic."""

    def __init__(
        self,
        engine: Engine,
        limiter: Limiter,
        mapping: Mapping,
        routes: Routes,
        *,
        max_attempts: int,
        probe_lease: float,
        dice: random.Random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._limiter = limiter
        self._mapping = mapping
        self._ingesting = Ingest(engine, routes, clock)
        self._max_attempts = max_attempts
        self._probe_lease = probe_lease
        self._dice = dice
        self._clock = clock
        self._watermarks: defaultdict[object, Watermark] = defaultdict(Watermark)
        self._live_at: defaultdict[object, float] = defaultdict(lambda: float("-inf"))

    def round(self, project_id: int) -> Round:
        """One round for a project: ingest, then cut; organizations go before contacts. Raises LimiterUnavailableError."""
        project = self._mapping.projects[project_id]
        sources = [source for source in self._mapping.sources.values() if source.project == project_id]
        now = self._clock()
        starts = {source.name: self._watermarks[source.name].start(now) for source in sources}
        work = self._look(project_id, starts)
        changed = [source for source in sources if source.name in work.changed]
        ingested = [source.name for source in changed if self._ingest(source, starts[source.name])]
        to_fan_out = {*work.fan_outs, *ingested}
        fan_outs = any(source.name in to_fan_out for source in sources if not _fan_outs_wait(source, work))
        slots = self._limiter.slots(project, HORIZON)
        if not slots.count:
            return Round(has_fan_outs=fan_outs, rest=max(slots.wait - HORIZON, NOTHING_TO_CUT))
        resent = self._resend(project) if work.snoozed else []
        methods = {source.method for source in self._mapping.sources_of(project_id)}
        found = messages(resent, [self._cut(project, method, slots) for method in Method if method in methods])
        if found:
            hit(Failpoint.CLAIMED)
        return Round(found, fan_outs, rest=0.0 if found else NOTHING_TO_CUT)

    def _look(self, project: int, starts: dict[str, int]) -> Row[Any]:
        """What there is to do, so that no step is taken in vain. `starts`: the project's sources, each with its watermark."""
        values = {"project": project, "sources": list(starts), "watermarks": list(starts.values())}
        with at_once(self._engine) as connection:
            work = connection.execute(sql(__package__, "work"), values).one()
        for name in starts:
            self._watermarks[name].note(None, self._clock())
        return work

    def _ingest(self, source: Source, start: int) -> bool:
        return self._ingesting.run(
            source, start, lambda first: self._watermarks[source.name].note(first, self._clock())
        )

    def _resend(self, project: Project) -> list[int]:
        with self._engine.begin() as connection:
            return list(connection.execute(sql(__package__, "resend"), {"project": project.id}).scalars())

    def _cut(self, project: Project, method: Method, slots: Slots) -> list[BatchIds]:
        lane = {"project": project.id, "method": method}
        with self._engine.begin() as connection:
            if not alone(connection, collecting(project.id, method)):
                return []
            bounds = connection.execute(sql(__package__, "bounds"), lane).one()
            paused = bounds.paused is not None
            if paused and not bounds.probe_due:
                return []
            size = min(project.batch_size, bounds.batch_limit or project.batch_size)
            limit = (
                1 if paused else batches_wanted(slots.count, bounds.under_way, bounds.without_permit, bounds.of_method)
            )
            if limit < 1:
                return []
            if bounds.is_any_due:
                connection.execute(sql(__package__, "promote"), lane)
            wanted = limit * size * (PROBE_CHOICE if paused else 1)
            candidates = self._candidates(connection, lane, wanted)
            candidates = behind_live(candidates, size, self._most_batches_behind(lane, candidates, bounds.under_way))
            if paused:
                candidates = self._for_probe(candidates)
            batches = cut(candidates, batch_size=size, max_attempts=self._max_attempts, limit=limit)
            if paused and batches and not pauses.claim_probe(connection, project.id, self._probe_lease):
                return []
            return groups(claim(connection, lane, batches, probe=paused), bounds.under_way)

    def _candidates(self, connection: Connection, lane: dict[str, object], limit: int) -> list[Candidate]:
        watermarks = {each: self._watermarks[lane["project"], lane["method"], each] for each in Priority}
        now = self._clock()
        values = {
            "limit": limit,
            "priorities": list(Priority),
            "watermarks": [watermark.start(now) for watermark in watermarks.values()],
        }
        found = connection.execute(sql(__package__, "candidates"), {**lane, **values}).all()
        first = {row.priority: row.outbox_id for row in reversed(found)}
        now = self._clock()
        for priority, watermark in watermarks.items():
            watermark.note(first.get(priority), now)
        return [Candidate(row.row, row.attempts, row.lost_leases, row.priority) for row in found]

    def _most_batches_behind(self, lane: dict[str, object], candidates: list[Candidate], under_way: int) -> int:
        """How many batches of a fan-out or a backfill may be cut; remembers when live changes were last among the candidates."""
        now, here = self._clock(), (lane["project"], lane["method"])
        if any(candidate.priority == Priority.LIVE for candidate in candidates):
            self._live_at[here] = now
        return max(0, BEHIND - under_way) if now - self._live_at[here] < CALM else UNDER_WAY

    def _for_probe(self, candidates: list[Candidate]) -> list[Candidate]:
        self._dice.shuffle(candidates)
        return sorted(candidates, key=lambda candidate: candidate.attempts + candidate.lost_leases)


def _fan_outs_wait(source: Source, work: Row[Any]) -> bool:
    """Whether the fan-outs of a source wait for a pause to end.

    A routed source has contacts in other projects too, so that only a broken mapping stops it.
    """
    return bool(work.is_broken if source.routed else work.is_paused)


def batches_wanted(slots: int, under_way: int, without_permit: int, of_method: int) -> int:
    """How many batches may be cut now: as many as get a permit soon, and always one of a method that has none under way."""
    return max(min(slots - without_permit, UNDER_WAY - under_way), 1 if of_method == 0 else 0)


def claim(connection: Connection, lane: dict[str, object], batches: list[list[Candidate]], *, probe: bool) -> list[int]:
    """Open the batches and move their contacts into them; returns the batches' ids, in order."""
    if not batches:
        return []
    wanted = [(candidate.row, number) for number, batch in enumerate(batches, 1) for candidate in batch]
    values = {
        **lane,
        "sizes": numbers(len(batch) for batch in batches),
        "probe": probe,
        "wanted": rows(("row", "batch"), wanted),
    }
    return list(connection.execute(sql(__package__, "claim"), values).scalars())
