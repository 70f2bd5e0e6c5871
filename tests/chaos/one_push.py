"""Push one batch, with the points armed and without Celery's time limit: `python -m tests.chaos.one_push 7`."""

from __future__ import annotations

import os
import sys

from tests.chaos.armed import strike
from worker.config.settings import load_settings
from worker.points import arm
from worker.wiring import Wiring

if __name__ == "__main__":
    arm(strike)
    Wiring.of(load_settings(os.environ)).pusher.push(int(sys.argv[1]))
