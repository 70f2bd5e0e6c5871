"""Push one batch, with the failpoints armed and without Celery's time limit: `python -m tests.chaos.one_push 7`."""

from __future__ import annotations

import os
import sys

from tests.chaos.armed import strike
from worker.assembly import Assembly
from worker.config.settings import load_settings
from worker.failpoints import arm

if __name__ == "__main__":
    arm(strike)
    Assembly.of(load_settings(os.environ)).pusher.push(int(sys.argv[1]))
