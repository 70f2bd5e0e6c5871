"""Watch: whichever of our processes is alive looks twice a minute for problems, and tells when one begins and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from redis import Redis
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from worker.capture.states import WatchStatus
from worker.config.model import Mapping
from worker.database.sql import sql
from worker.errors import SyncError
from worker.operate.health import find_problems, problem_of_redis
from worker.operate.problem import Problem

log = structlog.get_logger()

EVERY = 30.0
"""Seconds between two looks, over all processes."""


@dataclass
class Watcher:
    """Looks for problems and tells of them.

    `capture` says how the watches are; `tell` sends an alert, and says whether it arrived; `mend` is called with the source whose
    changes are captured again.
    """

    engine: Engine
    redis: Redis
    mapping: Mapping
    capture: Callable[[Connection], list[WatchStatus]]
    tell: Callable[[str], bool] | None = None
    mend: Callable[[Connection, str], None] | None = None

    def look(self) -> None:
        """Look if it is time and no other process does; what is in the way of looking is a line in the log."""
        try:
            began, ended = self._compare()
        except (DBAPIError, SyncError) as error:
            log.debug("watch_failed", kind=type(error).__name__)
            return
        texts = []
        for problem in began:
            log.error("problem_began", key=problem.key, problem=problem.sentence)
            if problem.key.startswith("capture:"):
                log.error("capture_broken", source=problem.key.split(":")[1], table=problem.key.split(":", 2)[2])
            texts.append(f"ringostat-sync: {problem.sentence}")
        for problem in ended:
            log.info("problem_ended", key=problem.key, problem=problem.sentence)
            if problem.key.startswith("capture:"):
                log.info("capture_whole", source=problem.key.split(":")[1], table=problem.key.split(":", 2)[2])
            texts.append(f"ringostat-sync: over: {problem.sentence}")
        self._tell(texts)

    def _compare(self) -> tuple[list[Problem], list[Problem]]:
        """Problems that have begun and ended since the last look."""
        with self.engine.begin() as connection:
            claimed = connection.execute(sql(__package__, "claim_look"), {"what": "health", "every": EVERY}).first()
            if claimed is None:
                return [], []
        now = self.problems()
        with self.engine.begin() as connection:
            told = [Problem(*row) for row in connection.execute(sql(__package__, "told_problems"))]
            began, ended = changes(told, now)
            for problem in began:
                connection.execute(
                    sql(__package__, "begin_problem"), {"key": problem.key, "sentence": problem.sentence}
                )
            for problem in ended:
                connection.execute(sql(__package__, "end_problem"), {"key": problem.key})
                if self.mend is not None and problem.key.startswith("capture:"):
                    self.mend(connection, problem.key.split(":")[1])
        return began, ended

    def problems(self) -> list[Problem]:
        """Everything that is wrong now."""
        of_redis = problem_of_redis(self.redis)
        with self.engine.begin() as connection:
            return [*of_redis, *find_problems(connection, self.mapping, self.capture(connection))]

    def _tell(self, texts: Sequence[str]) -> None:
        """Alert of each, until one does not arrive: a process that waits for every one would itself be missed."""
        if self.tell is not None:
            all(self.tell(text) for text in texts)


def changes(told: Sequence[Problem], now: Sequence[Problem]) -> tuple[list[Problem], list[Problem]]:
    """The problems that have begun, and those that have ended, by their keys."""
    known, found = {problem.key for problem in told}, {problem.key for problem in now}
    return [p for p in now if p.key not in known], [p for p in told if p.key not in found]
