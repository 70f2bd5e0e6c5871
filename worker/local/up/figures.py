"""The live line: the state of the job, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from worker.config.model import Mapping
from worker.operate.status import LaneStatus, read_status


def figures(engine: Engine, mapping: Mapping) -> str:
    """The line for now; says so if PostgreSQL does not answer."""
    try:
        with engine.connect() as connection:
            return line(read_status(connection, mapping))
    except DBAPIError:
        return "PostgreSQL does not answer at the moment"


def line(lanes: Sequence[LaneStatus]) -> str:
    """All projects and methods added up."""

    def total(name: str) -> str:
        return f"{sum(getattr(lane, name) for lane in lanes):,}"

    figures = [
        f"waiting {total('pending')}",
        f"in flight {total('in_flight')}",
        f"sent {total('sent')}",
        f"unchanged {total('unchanged')}",
        f"absent {total('absent')}",
        f"dead letters {total('dead')}",
        f"requests/min {total('requests_last_minute')}",
    ]
    paused = {f"{lane.project} ({lane.paused.reason})" for lane in lanes if lane.paused}
    return " · ".join(figures + [f"paused: {', '.join(sorted(paused))}"] * bool(paused))
