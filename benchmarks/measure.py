"""What process trees have used: CPU seconds, with children that have ended, and memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

MB = 2**20


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes: `pss` counts shared pages once, `rss` once a process."""

    pss: float
    rss: float


def tree(pids: Iterable[int]) -> list[psutil.Process]:
    """These processes and all below them that live."""
    found: dict[int, psutil.Process] = {}
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(pid)
            found |= {process.pid: process for process in (root, *root.children(recursive=True))}
    return list(found.values())


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU seconds of these trees so far; a parent answers for its children that have ended."""
    total = 0.0
    for process in tree(pids):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def memory(pids: Iterable[int]) -> Memory:
    """What these trees hold now."""
    pss = rss = 0.0
    for process in tree(pids):
        with suppress(psutil.NoSuchProcess):
            info = process.memory_full_info()
            pss += getattr(info, "pss", info.uss) / MB
            rss += info.rss / MB
    return Memory(pss, rss)


class Sampler:
    """Takes the memory of each of these trees every `every` seconds until it is left: `samples`, a list a moment."""

    def __init__(self, pids: Sequence[int], every: float = 2.0) -> None:
        self.samples: list[list[Memory]] = []
        self._pids = pids
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self.samples.append([memory([pid]) for pid in self._pids])
