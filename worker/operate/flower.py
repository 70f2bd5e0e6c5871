"""Flower, with our settings and without its command line, where every user of the machine would see a password."""

from __future__ import annotations

import ast
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
STATES = {
    "throttled": "RETRY",
    "failed": "RETRY",
    "unknown": "RETRY",
    "refused": "FAILURE",
    "unauthorized": "FAILURE",
    "unexpected": "FAILURE",
}
"""As which of Celery's states a push is shown by its outcome; Flower has a colour for each."""


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
    options.format_task = as_it_ended
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


def as_it_ended(task: Any) -> Any:
    """The task (a copy) as it is shown: to Celery each push that returns is a success, whatever the API has answered."""
    if task.state == "SUCCESS":
        task.state = state_of(task.result)
    return task


def state_of(result: str | None) -> str:
    """The state that a task's result is worth. `result`: as Celery's events bring it, in Python's spelling, perhaps cut."""
    try:
        told = ast.literal_eval(result or "None")
    except (ValueError, SyntaxError):
        return "SUCCESS"
    if not isinstance(told, dict):
        return "SUCCESS"
    return "FAILURE" if told.get("refused") else STATES.get(str(told.get("outcome")), "SUCCESS")
