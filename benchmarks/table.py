"""The one table that a run ends with."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

COLUMNS = ("work", "figure", "target", "ratio")


@dataclass(frozen=True, slots=True)
class Figure:
    """A row: what was done, what was measured, what is aimed at, and how it stands to the floor, a peer or the smallest."""

    work: str
    figure: str
    target: str = ""
    ratio: str = ""

    @property
    def cells(self) -> tuple[str, str, str, str]:
        return self.work, self.figure, self.target, self.ratio


def show(figures: Sequence[Figure]) -> None:
    """The table, on standard output."""
    table = Table(*COLUMNS, title=machine())
    for figure in figures:
        table.add_row(*figure.cells)
    Console(width=None if os.isatty(1) else 180, highlight=False).print(table)


def write_markdown(figures: Sequence[Figure], file: Path) -> None:
    """The same as Markdown."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(figure.cells for figure in figures)]
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    file.write_text(f"{machine()}\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


def machine() -> str:
    """What it ran on."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{_model()}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.release()},"
        f" Python {platform.python_version()}"
    )


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
