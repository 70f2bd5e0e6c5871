"""`make chaos`: every fault, several times, done to the whole job; one table at the end."""

from __future__ import annotations

import logging
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.table import Table

from tests.chaos.faults import FAULTS, Fault
from tests.chaos.house import House, Verdict

LONGER = {
    "Redis frozen": 30.0,
    "Redis cut off silently": 30.0,
    "PostgreSQL frozen": 30.0,
    "storm of random kills": 60.0,
}
"""Seconds for faults that are worth waiting for here, and not in CI."""


def main(
    only: Annotated[list[str] | None, typer.Argument(help="Faults whose names hold one of these words.")] = None,
    times: Annotated[int, typer.Option(min=1, help="How often each is done.")] = 3,
) -> None:
    """Break everything, and count what was lost. Exit 1 where a promise did not hold."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    chosen = [fault for fault in FAULTS if not only or any(word in fault.name for word in only)]
    console = Console(width=None if sys.stdout.isatty() else 120)
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, House(Path(folder)) as house:
        found = {fault.name: [_do(console, house, fault, seed) for seed in range(times)] for fault in chosen}
    console.print(_table(found))
    sound = all(verdict.holds(house.rate) for verdicts in found.values() for verdict in verdicts)
    raise typer.Exit(0 if sound else 1)


def _do(console: Console, house: House, fault: Fault, seed: int) -> Verdict:
    seconds = LONGER.get(fault.name, fault.seconds)
    verdict = house.endure(lambda broken: fault.act(broken, seconds), seed)
    console.print(f"{fault.name}: {verdict}", style=None if verdict.holds(house.rate) else "red", soft_wrap=True)
    return verdict


def _table(found: dict[str, list[Verdict]]) -> Table:
    table = Table(
        box=None, pad_edge=False, title="What each fault did, over a living job with a limit of 20 requests a second"
    )
    for name in (
        "fault",
        "times",
        "lost",
        "stale",
        "undeserved dead letters",
        "most in a second",
        "resumed",
        "worst recovery (s)",
    ):
        table.add_column(name, justify="left" if name == "fault" else "right", overflow="fold")
    for name, verdicts in found.items():
        table.add_row(
            name,
            str(len(verdicts)),
            str(sum(verdict.lost for verdict in verdicts)),
            str(sum(verdict.stale for verdict in verdicts)),
            str(sum(verdict.undeserved for verdict in verdicts)),
            str(max(verdict.most for verdict in verdicts)),
            f"{max(verdict.resumed for verdict in verdicts):.1f}",
            f"{max(verdict.recovered for verdict in verdicts):.1f}",
        )
    return table


if __name__ == "__main__":
    typer.run(main)
