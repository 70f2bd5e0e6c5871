"""A small CRM with life in it, which `ringostat-sync up` brings along if no auth key is set."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from random import Random

from worker.errors import ConfigError
from worker.local.demo.life import live
from worker.local.demo.patience import Patience
from worker.local.demo.seed import install

__all__ = ["MAPPING", "install", "live", "run"]

MAPPING = Path(__file__).parent / "mapping" / "sync.toml"
"""The demo CRM's mapping: what SYNC_CONFIG says under `up`, and an example to copy."""


def run(database_url: str, pace: float) -> None:
    """Be the demo CRM's process: install it where it is missing, then let `pace` events a second happen in it.

    Returns on SIGTERM or SIGINT. Waits for a database that is not there yet. Must be called in the main thread.

    Raises ConfigError for a pace that is none, and what `install` and `live` raise.
    """
    if not 0 < pace <= 1000:
        raise ConfigError(f"The demo CRM's pace must be events a second, from above 0 to 1000, not {pace}.")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    dice = Random()  # noqa: S311 - it decides what happens in a demo
    Patience(dice, stop).endure(lambda: install(database_url, dice=dice))
    live(database_url, dice=dice, pace=pace, stop=stop)
