"""`worker`, `beat`, `listen`, `flower`: the long-running parts, each alone."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from worker.application import run_beat, run_flower, run_worker, send_collect
from worker.cli.session import begin
from worker.listen.listen import listen as look_on
from worker.wiring import Parts

CONCURRENCY = 4


def worker(
    concurrency: Annotated[
        int, typer.Option(min=1, max=256, help="Batches pushed at once by this worker.")
    ] = CONCURRENCY,
) -> None:
    """Collect and push. Run as many as you like, on as many machines."""
    settings = begin()
    run_worker(settings, Parts.of(settings, lasting=False), concurrency)


def beat() -> None:
    """Wake the collector every few seconds; take back what was lost; purge. A second one does no harm."""
    settings = begin()
    run_beat(settings, Parts.of(settings, need_keys=False))


def listen() -> None:
    """Wake the collector within milliseconds of a commit. A second one does no harm."""
    settings = begin()
    parts = Parts.of(settings, need_keys=False)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    look_on(parts.engine, parts.mapping, parts.wake, send_collect(settings, parts), stop)


def flower(
    address: Annotated[str, typer.Option(help="Where to listen; loopback unless asked.")] = "127.0.0.1",
    writable: Annotated[bool, typer.Option("--writable", help="Let the page revoke tasks and stop workers.")] = False,
    database: Annotated[Path | None, typer.Option(help="Keep what was seen in this file.")] = None,
) -> None:
    """Show the job at work, in a browser, behind a password (FLOWER_BASIC_AUTH)."""
    settings = begin()
    run_flower(settings, Parts.of(settings, need_keys=False), address, writable=writable, database=database)
