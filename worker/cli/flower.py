"""`flower`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.application import run_flower
from worker.cli.session import begin, mapping_of
from worker.operate.living import living


def flower(
    address: Annotated[
        str, typer.Option(metavar="HOST", help="The address to listen on; by default loopback.")
    ] = "127.0.0.1",
    writable: Annotated[bool, typer.Option("--writable", help="Let the page revoke tasks and stop workers.")] = False,
    database: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep what was seen in this file.")] = None,
) -> None:
    """Show Celery's tasks in a browser.

    The page needs a password (FLOWER_BASIC_AUTH).
    """
    settings = begin()
    with living("flower", settings, mapping_of(settings)) as pulse:
        run_flower(settings, address, pulse.progress, writable=writable, database=database)
