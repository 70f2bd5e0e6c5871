"""What the last reconciliations have found, of a source and of a lane."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from models.states import Method
from worker.config.model import Mapping
from worker.database.sql import sql
from worker.operate.problem import Problem
from worker.operate.times import iso


@dataclass(frozen=True, slots=True)
class Drift:
    """A source's contacts that differed, were never sent, or are gone; `held`: nothing of it is sent until it is confirmed."""

    source: str
    project: int
    method: Method
    differing: int
    never_sent: int
    gone: int
    at: datetime
    held: bool

    def as_json(self) -> dict[str, Any]:
        """The shape that scripts rely on."""
        return lane_drift([self]) or {}


def read_drift(connection: Connection, mapping: Mapping) -> list[Drift]:
    """One entry per source that has been reconciled and each of its projects, for the method to which the mapping sends it now."""
    rows = connection.execute(sql(__package__, "drift"), {"sources": list(mapping.sources)})
    found = [Drift(**{**row._mapping, "method": Method(row.method)}) for row in rows]
    return [drift for drift in found if _is_sent(mapping, drift)]


def lane_drift(found: list[Drift]) -> dict[str, Any] | None:
    """The sum over the sources of a lane; `at`: when the latest ended. None if none was reconciled."""
    if not found:
        return None
    return {
        "differing": sum(drift.differing for drift in found),
        "never_sent": sum(drift.never_sent for drift in found),
        "gone": sum(drift.gone for drift in found),
        "at": iso(max(drift.at for drift in found)),
        "held": any(drift.held for drift in found),
    }


def problems_of_drift(found: list[Drift]) -> Iterator[Problem]:
    """What a reconciliation holds back until an operator has looked at it."""
    for drift in summed(found):
        if drift.held:
            yield Problem(
                f"held:{drift.source}",
                f"Source {drift.source}: {drift.differing} contacts differ and {drift.gone} are gone, which is more than is"
                f" sent without asking: run `ringostat-sync reconcile {drift.source} --confirm` to send them.",
            )


def summed(found: list[Drift]) -> Iterator[Drift]:
    """One entry per source: the sum over its projects."""
    for _, each in groupby(sorted(found, key=attrgetter("source")), attrgetter("source")):
        parts = list(each)
        yield replace(
            parts[0],
            differing=sum(part.differing for part in parts),
            never_sent=sum(part.never_sent for part in parts),
            gone=sum(part.gone for part in parts),
        )


def _is_sent(mapping: Mapping, drift: Drift) -> bool:
    source = mapping.sources[drift.source]
    return drift.method == source.method and drift.project in mapping.projects_of(source)
