"""`status`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from worker.cli.outbox import outbox
from worker.cli.session import begin, mapping_of, print_json, printable, wide_console
from worker.status.status import LaneStatus, read_status


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
        wide_console().print(_table(lanes))
        for line in why_paused(lanes):
            typer.echo(line)


def why_paused(lanes: list[LaneStatus]) -> list[str]:
    """A line for each paused project, with the sentence that its pause was given."""
    paused = {lane.project: lane.paused for lane in lanes if lane.paused}
    return [f"{project} is paused, {why.reason}: {printable(why.detail)}" for project, why in paused.items()]


def _table(lanes: list[LaneStatus]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("project", justify="right")
    table.add_column("method")
    for name in ("pending", "in flight", "oldest", "sent", "unchanged", "absent", "dead", "requests/min"):
        table.add_column(name, justify="right")
    table.add_column("paused")
    for lane in lanes:
        oldest = "" if lane.oldest_pending_s is None else f"{lane.oldest_pending_s:.0f} s"
        paused = f"{lane.paused.reason} until {lane.paused.until or '`resume`'}" if lane.paused else ""
        figures = (lane.sent, lane.unchanged, lane.absent, lane.dead, lane.requests_last_minute)
        row = [lane.project, lane.method, lane.pending, lane.in_flight, oldest, *figures, paused]
        table.add_row(*(str(cell) for cell in row))
    return table
