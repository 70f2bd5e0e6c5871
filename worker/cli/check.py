"""`check`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.session import begin, printable
from worker.errors import RefusedError
from worker.operate.check import Example, Finding
from worker.operate.check import check as look_over
from worker.wiring import Wiring

MOST = 1_000_000
"""Contacts that are built at once, in memory."""


def check(
    sample: Annotated[int, typer.Option(min=0, max=MOST, metavar="N", help="Contacts of each source to build.")] = 10,
) -> None:
    """Check settings, connections and mapping.

    Prints problems and one finished request. Posts nothing.
    """
    settings = begin()
    stopped = False
    example: Example | None = None
    for found in look_over(Wiring.of(settings, need_keys=False), sample):
        if isinstance(found, Finding):
            stopped = stopped or found.stops
            mark = "✗" if found.stops else "!" if found.warns else "✓"
            typer.echo(f"{mark} {printable(found.text)}")
        elif example is None:
            example = found
    if example is not None:
        typer.echo(f"\nA finished request:\n\nPOST {settings.ringostat_base_url}{example.path}")
        typer.echo(f"Content-Type: application/json\nauth-key: …\nx-project-id: {example.project}\n\n{example.body}")
    if stopped:
        raise RefusedError("Something is wrong: see ✗ above.")
