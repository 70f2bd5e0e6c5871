"""Report: everything that `status` tells, in one object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from worker.capture.states import WatchStatus
from worker.config.model import Mapping
from worker.operate.drift import read_drift, summed
from worker.operate.health import find_problems
from worker.operate.parts import Part, read_parts
from worker.operate.problem import Problem
from worker.operate.status import LaneStatus, read_status

POLLED = "polled"


@dataclass(frozen=True, slots=True)
class Report:
    """Lanes, our processes, the watches, what is wrong, and by source what the last reconciliation found."""

    lanes: list[LaneStatus]
    parts: list[Part]
    capture: list[dict[str, str]]
    problems: list[Problem]
    drift: dict[str, dict[str, Any]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The shape that scripts rely on."""
        return {
            "projects": [lane.as_json() for lane in self.lanes],
            "parts": [part.as_json() for part in self.parts],
            "capture": self.capture,
            "problems": [problem.sentence for problem in self.problems],
        }


def read_report(
    connection: Connection, mapping: Mapping, watches: Sequence[WatchStatus], more: Sequence[Problem] = ()
) -> Report:
    """The whole state of the job now. `watches`: how capture is; `more`: problems that PostgreSQL can't tell of."""
    problems = [*more, *find_problems(connection, mapping, list(watches))]
    drift = {one.source: one.as_json() for one in summed(read_drift(connection, mapping))}
    parts = [part for part in read_parts(connection) if not part.has_ended]
    return Report(read_status(connection, mapping), parts, capture_rows(mapping, watches), problems, drift)


def capture_rows(mapping: Mapping, watches: Sequence[WatchStatus]) -> list[dict[str, str]]:
    """A row for each watched table, as `sync.toml` writes it; of a source without triggers, that it is polled."""
    found = {(watch.source, watch.table) for watch in watches}
    rows = [{"source": watch.source, "table": watch.table, "state": watch.state.value} for watch in watches]
    rows += [
        {"source": source.name, "table": watch.table, "state": POLLED}
        for source in mapping.sources.values()
        for watch in source.watches
        if (source.name, watch.table) not in found
    ]
    return rows
