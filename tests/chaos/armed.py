"""The one command with its failpoints armed: `python -m tests.chaos.armed worker`, and so on.

A file in the folder ARMED that is named like a point holds what to do there to the first process that comes by:
a signal's number, and whether it is for that process (`9 one`) or for its whole session (`9 all`).
"""

from __future__ import annotations

import os
from pathlib import Path

from worker.__main__ import main
from worker.failpoints import Failpoint, arm

FOLDER = "CHAOS_ARMED"


def strike(point: Failpoint) -> None:
    """Do what is ordered for this point, once: whoever removes the order carries it out."""
    order = Path(os.environ[FOLDER]) / point
    try:
        number, whom = order.read_text().split()
        order.unlink()
    except FileNotFoundError:
        return
    if whom == "all":
        os.killpg(os.getpgrp(), int(number))
    os.kill(os.getpid(), int(number))


if __name__ == "__main__":
    arm(strike)
    main()
