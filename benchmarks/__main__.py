"""`python -m benchmarks [--quick] [--markdown FILE] [NAME …]`: the chosen parts, one after the other, and one table."""

from __future__ import annotations

import argparse
import signal
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.ground import Ground
from benchmarks.table import Figure, show, write_markdown

NAMES = (
    "drain",
    "backfill",
    "latency",
    "capture",
    "pickup",
    "rounds",
    "quota",
    "idle",
    "reconcile",
    "renames",
    "tenants",
)


def main() -> None:
    """Run what the command line asks for."""
    asked = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whatever ends us, our processes end too
    figures: list[Figure] = []
    try:
        for name in asked.names:
            figures += part(name, quick=asked.quick)
    finally:
        show(figures)
        if asked.markdown:
            write_markdown(figures, asked.markdown)


def part(name: str, *, quick: bool) -> list[Figure]:
    """One part, on a ground of its own."""
    found = []
    with Ground() as ground:
        for figure in import_module(f"benchmarks.{name}").run(ground, quick=quick):
            print(*(cell for cell in figure.cells if cell), sep=" · ", file=sys.stderr, flush=True)
            found.append(figure)
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all where none is named")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work: to see that it runs, not to quote")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in NAMES]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join(NAMES)}")
    asked.names = asked.names or NAMES
    return asked


if __name__ == "__main__":
    main()
