"""`worker`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.application import run_worker
from worker.assembly import Assembly
from worker.cli.session import begin
from worker.database.connect import refuse_unusable
from worker.operate.living import make_pulse

CONCURRENCY = 4


def worker(
    concurrency: Annotated[
        int, typer.Option(min=1, max=256, metavar="N", help="Processes, each of which collects and pushes.")
    ] = CONCURRENCY,
) -> None:
    """Collect and push. Run as many as you like, on as many machines."""
    settings = begin()
    assembly = Assembly.of(settings, lasting=False)
    refuse_unusable(settings.require_database_url(), settings.require_crm_database_url())
    run_worker(settings, assembly, concurrency, make_pulse("worker", settings, assembly.mapping))
