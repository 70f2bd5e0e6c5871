"""`up`."""

from __future__ import annotations

import os

from worker.cli.outbox import in_one_line
from worker.cli.session import begin


def up() -> None:
    """Run everything in one process tree.

    It starts its own PostgreSQL and Redis, unless the environment has their addresses. If no auth key is set, everything goes to
    the sandbox, and nothing to Ringostat.
    """
    begin()
    from worker.local.up.up import run  # noqa: PLC0415 - servers and demo are only needed here

    with in_one_line():
        run(dict(os.environ))
