"""Status: how every project and method stands."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from worker.config.model import Mapping, Method
from worker.database.sql import sql
from worker.operate.times import iso


@dataclass(frozen=True, slots=True)
class Paused:
    """Why a project is paused, and until when (ISO 8601; None by hand); `detail` says it in a sentence."""

    reason: str
    until: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """The figures of one project and method; what they count stands in `docs/commands.md`.

    `throttled_until`: the end of a `Retry-After` (ISO 8601), which is no pause and no figure for scripts.
    """

    project: int
    method: str
    pending: int
    in_flight: int
    oldest_pending_s: float | None
    sent: int
    unchanged: int
    absent: int
    dead: int
    paused: Paused | None
    requests_last_minute: int
    throttled_until: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The shape that scripts rely on: a pause has its reason and its end, and no sentence."""
        paused = {"reason": self.paused.reason, "until": self.paused.until} if self.paused else None
        shape = asdict(self) | {"paused": paused}
        del shape["throttled_until"]
        return shape


def read_status(connection: Connection, mapping: Mapping) -> list[LaneStatus]:
    """One entry per configured project and method, organizations before contacts."""
    lanes = sorted({(source.project, source.method) for source in mapping.sources.values()}, key=_order)
    return [_lane(connection, mapping, project, method) for project, method in lanes]


def _order(lane: tuple[int, Method]) -> tuple[int, bool]:
    return lane[0], lane[1] is Method.CONTACTS


def _lane(connection: Connection, mapping: Mapping, project: int, method: Method) -> LaneStatus:
    alike = [source for source in mapping.sources.values() if (source.project, source.method) == (project, method)]
    values = {
        "project": project,
        "method": method,
        "sources": [source.name for source in alike],
        "identities": [source.identity.value for source in alike],
    }
    row = connection.execute(sql(__package__, "lane_status"), values).one()
    paused = Paused(row.reason, iso(row.until) if row.until else None, row.detail) if row.reason else None
    return LaneStatus(
        project=project,
        method=method.value,
        pending=row.pending,
        in_flight=row.in_flight,
        oldest_pending_s=None if row.oldest is None else round(max(row.oldest, 0.0), 3),
        sent=row.sent,
        unchanged=row.unchanged,
        absent=row.absent,
        dead=row.dead,
        paused=paused,
        requests_last_minute=row.requests,
        throttled_until=iso(row.throttled_until) if row.throttled_until else None,
    )
