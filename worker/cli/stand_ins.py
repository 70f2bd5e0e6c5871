"""`sandbox`, and the demo CRM: what `up` starts if there is no key."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.session import begin
from worker.config.settings import libpq_url


def sandbox(
    port: Annotated[int | None, typer.Option(min=1, max=65535, metavar="PORT", help="Its port (SANDBOX_PORT).")] = None,
    address: Annotated[
        str, typer.Option(metavar="HOST", help="The address to listen on; by default loopback.")
    ] = "127.0.0.1",
) -> None:
    """Run the stand-in for Ringostat's API.

    With its rules, faults on request, and a page that shows the contact book.
    """
    from worker.local.sandbox.server import serve  # noqa: PLC0415 - tornado is only needed here

    settings = begin()
    serve(port or settings.sandbox_port, host=address)


def demo_crm(
    pace: Annotated[float, typer.Option(min=0.0, metavar="N", help="Events a second.")] = 1.0,
) -> None:
    """Fill the CRM's database with a demo that changes."""
    from worker.local.demo import run  # noqa: PLC0415 - only needed here

    run(libpq_url(begin().require_crm_database_url()), pace)
