"""`status`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from worker.broker.client import redis_client
from worker.cli.outbox import outbox
from worker.cli.session import begin, mapping_of, print_json, printable, wide_console
from worker.cli.tables import rows_block, to_the_second
from worker.config.model import Mapping
from worker.config.settings import Settings
from worker.operate.health import problem_of_redis
from worker.operate.living import capture_of
from worker.operate.report import Report, read_report
from worker.operate.status import LaneStatus

FIGURES = (
    "pending",
    "in flight",
    "oldest",
    "sent",
    "unchanged",
    "absent",
    "dead",
    "requests/min",
    "rate used",
    "done in",
    "last hour",
)
BARS = "▁▂▃▄▅▆▇█"
WATCH_EVERY = 2.0
NAMES = ("project", "method", *FIGURES, "paused")


def status(
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every two seconds, until Ctrl-C.")] = False,
) -> None:
    """Show what waits, what arrived, what is paused.

    Also dead letters, our processes, capture, and every problem.
    """
    settings = begin()
    mapping = mapping_of(settings)
    if as_json:
        print_json(_report(settings, mapping).as_json())
        return
    console = wide_console()
    if not watch:
        for block in page(_report(settings, mapping), console):
            console.print(block, soft_wrap=isinstance(block, Text))
        return
    with Live(console=console, screen=console.is_terminal, auto_refresh=False) as screen:
        while True:
            screen.update(Group(*page(_report(settings, mapping), console)), refresh=True)
            time.sleep(WATCH_EVERY)


def _report(settings: Settings, mapping: Mapping) -> Report:
    of_redis = problem_of_redis(redis_client(settings.require_redis_url())) if settings.redis_url else []
    with outbox(settings) as connection:
        return read_report(connection, mapping, capture_of(settings, mapping, connection), of_redis)


def page(report: Report, console: Console) -> list[RenderableType]:
    """The blocks of the page: lanes, what is in their way, dead letters, processes, capture, problems."""
    lanes = rows_block(console, NAMES, [_row(lane) for lane in report.lanes], right=FIGURES)
    lines = [*why_paused(report.lanes), *throttled(report.lanes), *dead_letters(report.lanes), *drifts(report.lanes)]
    parts = [[part.role, part.name, part.version, part.mapping, f"{part.seen_s:.0f} s ago"] for part in report.parts]
    broken = [row for row in report.capture if row["state"] not in {"ok", "polled"}]
    blocks: list[RenderableType] = [*lanes, *map(Text, lines)]
    if parts:
        blocks += [Text(), *rows_block(console, ("part", "name", "version", "mapping", "seen"), parts)]
    if report.capture:
        whole = len(report.capture) - len(broken)
        blocks += [Text(), Text(f"capture: {whole} of {len(report.capture)} tables")]
        blocks += [Text(f"  {row['source']}: {row['table']}: {row['state']}") for row in broken]
    if report.problems:
        blocks += [Text(), *(Text(f"✗ {printable(problem.sentence)}", style="bold red") for problem in report.problems)]
    return blocks


def dead_letters(lanes: list[LaneStatus]) -> list[str]:
    """A line for each lane with open dead letters: how many of which reason."""
    return [
        f"{lane.project} {lane.method}: dead letters: "
        + ", ".join(f"{n} {reason}" for reason, n in lane.dead_by_reason.items())
        for lane in lanes
        if lane.dead_by_reason
    ]


def drifts(lanes: list[LaneStatus]) -> list[str]:
    """A line for each lane that was reconciled: what differed then."""
    return [
        f"{lane.project} {lane.method}: reconciled {to_the_second(drift['at'])}: {drift['differing']} differing,"
        f" {drift['never_sent']} never sent, {drift['gone']} gone{', held: `reconcile --confirm` sends them' if drift['held'] else ''}"
        for lane in lanes
        if (drift := lane.drift)
    ]


def why_paused(lanes: list[LaneStatus]) -> list[str]:
    """A line for each paused project, with the sentence that its pause was given."""
    paused = {lane.project: lane.paused for lane in lanes if lane.paused}
    return [f"{project} is paused, {why.reason}: {printable(why.detail)}" for project, why in paused.items()]


def throttled(lanes: list[LaneStatus]) -> list[str]:
    """A line for each project that waits as its API has asked it to."""
    waiting = {lane.project: lane.throttled_until for lane in lanes if lane.throttled_until}
    return [
        f"{project} is throttled until {to_the_second(until)} (Retry-After): `ringostat-sync resume {project}` ends that."
        for project, until in waiting.items()
    ]


def sparkline(values: Sequence[int]) -> str:
    """Values as bars of eight heights; a dot for none."""
    most = max(values, default=0)
    return "".join("·" if not value else BARS[min(7, value * 8 // (most + 1))] for value in values) if most else ""


def _row(lane: LaneStatus) -> list[object]:
    oldest = "" if lane.oldest_pending_s is None else f"{lane.oldest_pending_s:.0f} s"
    waiting = [lane.pending, lane.in_flight, oldest]
    settled = [lane.sent, lane.unchanged, lane.absent, lane.dead]
    rate = [
        lane.requests_last_minute,
        f"{lane.used:.0%} of {lane.limit}",
        duration(lane.eta_s),
        sparkline(lane.last_hour),
    ]
    return [lane.project, lane.method, *waiting, *settled, *rate, _paused(lane)]


def duration(seconds: float | None) -> str:
    """Seconds as a person says them."""
    if seconds is None:
        return ""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _paused(lane: LaneStatus) -> str:
    if lane.paused is None:
        return ""
    return f"{lane.paused.reason} until {to_the_second(lane.paused.until) if lane.paused.until else '`resume`'}"
