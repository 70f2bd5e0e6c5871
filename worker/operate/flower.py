"""Flower, with our settings and without its command line, where every user of the machine would see a password."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flower.app import Flower
from flower.options import options
from flower.urls import settings as handlers
from tornado.ioloop import PeriodicCallback

from worker.errors import ConfigError

MAX_TASKS = 5_000
SAVE_EVERY_MS = 60_000
TICK_MS = 5_000
COLUMNS = "name,state,args,result,received,runtime,worker"
"""What a person looks for: which batches, and what became of their contacts."""


def show(
    application: Any,
    address: str,
    port: int,
    password: str,
    progress: Callable[[], None],
    *,
    writable: bool,
    database: Path | None,
) -> None:
    """Serve the page until SIGTERM or Ctrl-C; ConfigError if the port is taken. `password` is `user:password`."""
    logging.getLogger("flower.inspector").setLevel(logging.ERROR)  # it warns of workers that are still starting
    options.address = address
    options.port = port
    options.basic_auth = [password]
    options.read_only = not writable
    options.max_tasks = MAX_TASKS
    options.natural_time = False
    if database is not None:
        options.persistent = True
        options.db = str(database)
        options.state_save_interval = SAVE_EVERY_MS
    options.tasks_columns = COLUMNS
    page = Flower(capp=application, options=options, **handlers)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        page.start_http_server()
    except OSError as error:
        problem = f"port {port} of {address} can't be used ({error.strerror or error}); choose a free one"
        raise ConfigError(f"FLOWER_PORT: {problem}") from error
    try:
        PeriodicCallback(progress, TICK_MS).start()
        page.start()
    except (KeyboardInterrupt, SystemExit):
        page.stop()
