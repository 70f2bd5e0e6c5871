"""Metrics in Prometheus' form, from figures that PostgreSQL keeps: they survive restarts and purges, for any number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry
from sqlalchemy import Connection, Row

from worker.capture.states import State
from worker.database.sql import sql
from worker.operate.report import POLLED, Report
from worker.operate.status import LaneStatus
from worker.settle.settle import DELIVERY_BOUNDS

PREFIX = "ringostat_sync_"
LANE = ("project", "method")
RESULTS = ("sent", "unchanged", "absent", "superseded", "buried")
OUTCOMES = ("accepted", "refused", "throttled", "failed", "unauthorized", "unexpected")
DRIFT = ("differing", "never_sent", "gone")
GAUGES: tuple[tuple[str, str, Callable[[LaneStatus], float]], ...] = (
    ("pending", "Contacts that wait, backed off and paused ones too.", lambda lane: lane.pending),
    ("in_flight", "Contacts in batches under way.", lambda lane: lane.in_flight),
    ("oldest_pending_seconds", "How long the oldest change waits.", lambda lane: lane.oldest_pending_s or 0.0),
    ("rate_used_ratio", "Share of the limit that the last requests used.", lambda lane: lane.used),
)


def read_totals(connection: Connection) -> Sequence[Row[Any]]:
    """What has been counted of every lane since installation."""
    return connection.execute(sql(__package__, "lane_totals")).all()


def exposition(report: Report, totals: Sequence[Row[Any]]) -> bytes:
    """The page that Prometheus scrapes: ids and counts only."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(report, totals))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, report: Report, totals: Sequence[Row[Any]]) -> None:
        self._report = report
        self._totals = totals

    def collect(self) -> Iterable[Metric]:
        yield from self._lanes()
        yield from self._counted()
        yield from self._job()

    def _lanes(self) -> Iterator[Metric]:
        lanes = self._report.lanes
        for name, text, value in GAUGES:
            family = GaugeMetricFamily(PREFIX + name, text, labels=LANE)
            for lane in lanes:
                family.add_metric([str(lane.project), lane.method], value(lane))
            yield family
        dead = GaugeMetricFamily(f"{PREFIX}dead_letters", "Open dead letters.", labels=(*LANE, "reason"))
        paused = GaugeMetricFamily(f"{PREFIX}paused", "1 while a project is paused.", labels=("project", "reason"))
        for lane in lanes:
            for reason, count in lane.dead_by_reason.items():
                dead.add_metric([str(lane.project), lane.method, reason], count)
        for project, reason in sorted({(lane.project, lane.paused.reason) for lane in lanes if lane.paused}):
            paused.add_metric([str(project), reason], 1)
        yield dead
        yield paused

    def _counted(self) -> Iterator[Metric]:
        contacts = CounterMetricFamily(f"{PREFIX}contacts", "Contacts, by how they ended.", labels=(*LANE, "result"))
        requests = CounterMetricFamily(
            f"{PREFIX}requests", "Requests answered, by what they came to.", labels=(*LANE, "outcome")
        )
        delivery = HistogramMetricFamily(
            f"{PREFIX}delivery_seconds", "From a change's commit to its acceptance.", labels=LANE
        )
        recoveries = CounterMetricFamily(f"{PREFIX}lease_recoveries", "Batches taken back as their leases were over.")
        for row in self._totals:
            lane = [str(row.project), row.method]
            for result in RESULTS:
                contacts.add_metric([*lane, result], getattr(row, result))
            for outcome in OUTCOMES:
                requests.add_metric([*lane, outcome], getattr(row, outcome))
            delivery.add_metric(lane, _buckets(row.delivery_buckets), row.delivery_seconds)
        recoveries.add_metric([], sum(row.lost_leases for row in self._totals))
        yield from (contacts, requests, delivery, recoveries)

    def _job(self) -> Iterator[Metric]:
        seen = GaugeMetricFamily(
            f"{PREFIX}part_last_seen_seconds", "Since a process of this role was last seen.", labels=("role",)
        )
        for role in sorted({part.role for part in self._report.parts}):
            youngest = min(part.seen_s for part in self._report.parts if part.role == role)
            seen.add_metric([role], max(0.0, youngest))
        broken = GaugeMetricFamily(
            f"{PREFIX}capture_broken", "Watched tables whose changes are not captured.", labels=("source",)
        )
        for source in sorted({row["source"] for row in self._report.capture}):
            states = [row["state"] for row in self._report.capture if row["source"] == source]
            broken.add_metric([source], sum(state not in {State.OK, POLLED} for state in states))
        problems = GaugeMetricFamily(f"{PREFIX}problems", "Problems that `health` tells of.")
        problems.add_metric([], len(self._report.problems))
        yield from (seen, broken, self._drift(), problems)

    def _drift(self) -> Metric:
        family = GaugeMetricFamily(
            f"{PREFIX}drift_contacts", "What the last reconciliation found astray.", labels=("source", "kind")
        )
        for source, drift in self._report.drift.items():
            for kind in DRIFT:
                family.add_metric([source, kind], drift[kind])
        return family


def _buckets(counts: Sequence[int] | None) -> list[tuple[str, float]]:
    """The counts as Prometheus has them: each with all that is below it."""
    bounds = [*(f"{bound:g}" for bound in DELIVERY_BOUNDS), "+Inf"]
    filled = list(counts or ()) + [0] * (len(bounds) - len(counts or ()))
    return list(zip(bounds, map(float, accumulate(filled)), strict=True))
