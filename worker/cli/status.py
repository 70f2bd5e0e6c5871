"""`status`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.outbox import outbox
from worker.cli.session import begin, mapping_of, print_json, printable, wide_console
from worker.cli.tables import print_rows, to_the_second
from worker.operate.status import LaneStatus, read_status

FIGURES = ("pending", "in flight", "oldest", "sent", "unchanged", "absent", "dead", "requests/min")
NAMES = ("project", "method", *FIGURES, "paused")


def status(
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Show what waits, what arrived, what is paused.

    Also what is on its way, what is dead, and why a project is paused.
    """
    settings = begin()
    mapping = mapping_of(settings)
    with outbox(settings) as connection:
        lanes = read_status(connection, mapping)
    if as_json:
        print_json({"projects": [lane.as_json() for lane in lanes]})
    else:
        print_rows(wide_console(), NAMES, [_row(lane) for lane in lanes], right=FIGURES)
        for line in [*why_paused(lanes), *held_back(lanes)]:
            typer.echo(line)


def why_paused(lanes: list[LaneStatus]) -> list[str]:
    """A line for each paused project, with the sentence that its pause was given."""
    paused = {lane.project: lane.paused for lane in lanes if lane.paused}
    return [f"{project} is paused, {why.reason}: {printable(why.detail)}" for project, why in paused.items()]


def held_back(lanes: list[LaneStatus]) -> list[str]:
    """A line for each project that waits as its API has asked it to."""
    held = {lane.project: lane.throttled_until for lane in lanes if lane.throttled_until}
    return [
        f"{project} holds back until {to_the_second(until)}, as the API asked (Retry-After): `ringostat-sync resume {project}` ends that."
        for project, until in held.items()
    ]


def _row(lane: LaneStatus) -> list[object]:
    oldest = "" if lane.oldest_pending_s is None else f"{lane.oldest_pending_s:.0f} s"
    waiting = [lane.pending, lane.in_flight, oldest]
    settled = [lane.sent, lane.unchanged, lane.absent, lane.dead]
    return [lane.project, lane.method, *waiting, *settled, lane.requests_last_minute, _paused(lane)]


def _paused(lane: LaneStatus) -> str:
    if lane.paused is None:
        return ""
    return f"{lane.paused.reason} until {to_the_second(lane.paused.until) if lane.paused.until else '`resume`'}"
