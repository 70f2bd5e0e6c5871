"""Status: how every project and method stands."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection

from worker.config.model import Mapping, Method, Project, Rate
from worker.database.sql import sql
from worker.operate.drift import Drift, lane_drift, read_drift
from worker.operate.times import iso


@dataclass(frozen=True, slots=True)
class Paused:
    """Why a project is paused, and until when (ISO 8601; None by hand); `detail` says it in a sentence."""

    reason: str
    until: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """The figures of one project and method; what they count is in `docs/commands.md`.

    `throttled_until`: the end of a `Retry-After` (ISO 8601), which is no pause and no figure for scripts. `last_hour`: contacts
    accepted in each five minutes of the last hour, oldest first.
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
    limit: str = ""
    used: float = 0.0
    eta_s: float | None = None
    last_accepted_at: str | None = None
    dead_by_reason: dict[str, int] = field(default_factory=dict)
    drift: dict[str, Any] | None = None
    throttled_until: str | None = None
    last_hour: tuple[int, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The shape that scripts rely on: a pause has its reason and its end, and no sentence."""
        paused = {"reason": self.paused.reason, "until": self.paused.until} if self.paused else None
        shape = asdict(self) | {"paused": paused}
        del shape["throttled_until"], shape["last_hour"]
        return shape


def read_status(connection: Connection, mapping: Mapping) -> list[LaneStatus]:
    """One entry per configured project and method, organizations before contacts."""
    lanes = sorted(mapping.lanes(), key=_order)
    drift = read_drift(connection, mapping)
    return [
        _lane(connection, mapping, lane, [one for one in drift if (one.project, one.method) == lane]) for lane in lanes
    ]


def _order(lane: tuple[int, Method]) -> tuple[int, bool]:
    return lane[0], lane[1] is Method.CONTACTS


def _lane(connection: Connection, mapping: Mapping, of: tuple[int, Method], drift: list[Drift]) -> LaneStatus:
    project_id, method = of
    alike = [source for source in mapping.sources.values() if (source.project, source.method) == (project_id, method)]
    project = mapping.projects[project_id]
    lane = {"project": project_id, "method": method}
    sources = [source.name for source in alike]
    values = {**lane, "sources": sources, "identities": [source.identity.value for source in alike]}
    row = connection.execute(sql(__package__, "lane_status"), values).one()
    more = connection.execute(sql(__package__, "lane_more"), {**lane, "period": project.rate.period}).one()
    accepted_at = more.last_accepted_at or more.accepted_at
    return LaneStatus(
        project=project_id,
        method=method.value,
        pending=row.pending,
        in_flight=row.in_flight,
        oldest_pending_s=None if row.oldest is None else round(max(row.oldest, 0.0), 3),
        sent=row.sent,
        unchanged=row.unchanged,
        absent=row.absent,
        dead=row.dead,
        paused=Paused(row.reason, iso(row.until) if row.until else None, row.detail) if row.reason else None,
        requests_last_minute=row.requests,
        limit=written_rate(project.rate),
        used=used_share(project.rate, more.of_project, more.in_period),
        eta_s=eta(project, row.pending + row.in_flight, paused=row.reason is not None),
        last_accepted_at=iso(accepted_at) if accepted_at else None,
        dead_by_reason=dict(more.dead_by_reason or {}),
        drift=lane_drift(drift),
        throttled_until=iso(row.throttled_until) if row.throttled_until else None,
        last_hour=tuple(more.last_hour or ()),
    )


def written_rate(rate: Rate) -> str:
    """A rate as the settings write it: `5/s`, `100/m`, `1000/h`."""
    return f"{rate.count}/{ {1.0: 's', 60.0: 'm', 3600.0: 'h'}[rate.period] }"


def used_share(rate: Rate, last_minute: int, in_period: int) -> float:
    """The share of the limit that a project's requests of the last minute have used; of a limit by the hour, that of the last hour."""
    if rate.period > 60.0:
        return round(min(1.0, in_period / rate.count), 3)
    return round(min(1.0, last_minute / (rate.count * 60.0 / rate.period)), 3)


def eta(project: Project, waiting: int, *, paused: bool) -> float | None:
    """Seconds until what waits is sent, if the API takes full batches at the limit; None if nothing waits, or in a pause."""
    if not waiting or paused:
        return None
    batches = -(-waiting // project.batch_size)
    return round(batches * project.rate.period / project.rate.count, 1)
