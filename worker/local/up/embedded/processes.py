"""Finding and ending a server's process, whether we started it or a run before us did."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil

EVERY = 0.01  # seconds between two looks

Farewell = tuple[tuple[signal.Signals, float], ...]  # signals from polite to deadly, and the seconds each is given


def recorded_pid(pid_file: Path) -> int | None:
    """The number in a pid file's first line; None if there is no file or, half written, no number."""
    try:
        first, *_ = pid_file.read_text(errors="replace").splitlines()
        return int(first)
    except (FileNotFoundError, ValueError):
        return None


def find(pid: int, argument: str) -> psutil.Process | None:
    """The process `pid` if its command line has `argument`; a number given to another since is no match."""
    try:
        process = psutil.Process(pid)
        return process if argument in process.cmdline() else None
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def has_ended(process: psutil.Process) -> bool:
    """Whether it runs no more; one that only waits for its parent to take notice (a zombie) has ended."""
    if isinstance(process, psutil.Popen):
        return process.poll() is not None
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def end(process: psutil.Process, farewell: Farewell) -> bool:
    """Send the signals of `farewell` one by one until it has ended; False if even the last was in vain."""
    for number, seconds in farewell:
        if has_ended(process):
            return True
        _send(process, number)
        if _ends_within(process, seconds):
            return True
    return has_ended(process)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return  # it ended by itself between the look and the signal


def _ends_within(process: psutil.Process, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not has_ended(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(EVERY)
    return True
