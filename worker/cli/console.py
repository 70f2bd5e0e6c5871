"""`console`."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.cli.session import begin
from worker.errors import ConfigError
from worker.operate.living import living
from worker.wiring import Wiring


def console(
    address: Annotated[
        str, typer.Option(metavar="HOST", help="The address to listen on; by default loopback.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=1, max=65535, metavar="N", help="Its port (CONSOLE_PORT).")] = None,
) -> None:
    """Show the state of the job in a browser.

    The page needs a password (CONSOLE_BASIC_AUTH). /metrics, /healthz and /readyz need none.
    """
    from worker.operate.console.questions import Questions  # noqa: PLC0415 - tornado and prometheus are only needed here
    from worker.operate.console.server import serve  # noqa: PLC0415 - see above

    settings = begin()
    if settings.console_basic_auth is None:
        raise ConfigError("CONSOLE_BASIC_AUTH is not set: set it to user:password, as the page shows the whole job.")
    wiring = Wiring.of(settings, need_keys=False)
    credentials = settings.console_basic_auth.get_secret_value()
    with living("console", settings, wiring.mapping) as pulse:
        serve(Questions(wiring), credentials, address, port or settings.console_port, pulse.progress)
