"""The keys of projects, looked up for each request: one that is in a file may change while we run."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

from worker.config.auth_keys import read_key_file
from worker.config.model import Project
from worker.errors import ConfigError

log = structlog.get_logger()

READ_AGAIN = 5.0
"""Seconds after which a file is read again that looks unchanged: two changes within one tick of its clock look like one."""
Mark = tuple[int, ...]


@dataclass(slots=True)
class _Kept:
    """A key, and its file as it looked when it was read at `read` (monotonic seconds). `problem`: why the key was kept, as told."""

    key: str
    mark: Mark | None = None
    read: float = 0.0
    problem: str | None = None


class Keys:
    """The keys in use, from any thread. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[int, _Kept] = {}
        self._noticed: dict[int, str] = {}

    def key_of(self, project: Project) -> str:
        """The project's key as its file has it now. One that can't be read, or is empty for a moment, leaves the old key in use."""
        if project.auth_key_file is None:
            return project.auth_key or ""
        with self._lock:
            kept = self._kept.setdefault(project.id, _Kept(project.auth_key or ""))
            mark, now = mark_of(project.auth_key_file), self._clock()
            if mark is None or mark != kept.mark or now - kept.read >= READ_AGAIN:
                _read(project, project.auth_key_file, kept)
                kept.mark, kept.read = mark, now
            return kept.key

    def doubt(self, project: Project) -> None:
        """The API does not know the key: its file is read before the next request, however unchanged it looks."""
        with self._lock:
            if project.id in self._kept:
                self._kept[project.id].mark = None

    def changed(self, projects: Iterable[Project]) -> list[Project]:
        """The projects whose keys are others than when this was last asked, at first than when we started."""
        found = []
        for project in projects:
            key = self.key_of(project)
            if self._noticed.get(project.id, project.auth_key or "") != key:
                found.append(project)
            self._noticed[project.id] = key
        return found


def mark_of(file: Path) -> Mark | None:
    """What changes when a file, or what a link to it leads to, is written or swapped. None if there is no such file."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _read(project: Project, file: Path, kept: _Kept) -> None:
    try:
        key = read_key_file(f"The key of project {project.id}", file)
    except ConfigError as error:
        if str(error) != kept.problem:
            kept.problem = str(error)
            log.warning("auth_key_kept", project=project.id, problem=kept.problem)
        return
    kept.problem = None
    if key != kept.key:
        kept.key = key
        log.info("auth_key_changed", project=project.id)
