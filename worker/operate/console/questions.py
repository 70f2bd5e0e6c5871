"""What the console asks of the job, and does to it. Each question is a transaction of its own, in a worker thread."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models import PauseReason
from worker.database.sql import sql
from worker.errors import LimiterUnavailableError
from worker.operate import dead_letters
from worker.operate.contact import read_story
from worker.operate.health import find_problems, problem_of_redis
from worker.operate.known import known_project, known_source
from worker.operate.living import capture_of
from worker.operate.metrics import exposition, read_totals
from worker.operate.problem import Problem
from worker.operate.report import Report, read_report
from worker.operate.times import iso
from worker.projects import pauses
from worker.projects.addresses import Address
from worker.read.reader import Reader
from worker.wiring import Wiring

log = structlog.get_logger()

FRESH = 1.0
"""Seconds for which one answer serves all viewers: figures cost as much as the backlog is long."""
LAST_REQUESTS = 50


@dataclass
class Questions:
    """Answers from PostgreSQL, Redis and, for one contact alone, the CRM."""

    wiring: Wiring
    _report: tuple[float, Report] | None = field(default=None, init=False)

    def report(self) -> Report:
        """The state of the job, at most a second old."""
        if self._report is None or time.monotonic() - self._report[0] > FRESH:
            wiring = self.wiring
            with wiring.engine.begin() as connection:
                watches = capture_of(wiring.settings, wiring.mapping, connection)
                report = read_report(connection, wiring.mapping, watches, problem_of_redis(wiring.redis))
            self._report = time.monotonic(), report
        return self._report[1]

    def overview(self) -> dict[str, Any]:
        """What the page shows: the report, the sentences of the pauses, the last hour, the last requests."""
        report = self.report()
        shown = report.as_json()
        for lane, more in zip(shown["projects"], report.lanes, strict=True):
            lane["why_paused"] = more.paused.detail if more.paused else None
            lane["throttled_until"] = more.throttled_until
            lane["last_hour"] = list(more.last_hour)
        return shown | {"sources": sorted(self.wiring.mapping.sources), "requests": self.requests()}

    def requests(self) -> list[dict[str, Any]]:
        """The last requests: ids, counts and outcomes."""
        with self.wiring.engine.begin() as connection:
            rows = connection.execute(sql("worker.operate", "last_requests"), {"limit": LAST_REQUESTS}).all()
        return [{**row._mapping, "id": str(row.id), "batch": str(row.batch), "at": iso(row.at)} for row in rows]

    def metrics(self) -> bytes:
        """The page that Prometheus scrapes."""
        report = self.report()
        with self.wiring.engine.begin() as connection:
            return exposition(report, read_totals(connection))

    def problems(self) -> list[Problem]:
        """What `health` finds."""
        wiring = self.wiring
        try:
            with wiring.engine.begin() as connection:
                watches = capture_of(wiring.settings, wiring.mapping, connection)
                found = find_problems(connection, wiring.mapping, watches)
        except DBAPIError as error:
            return [Problem("database", f"DATABASE_URL: PostgreSQL does not answer ({type(error.orig).__name__}).")]
        return [*problem_of_redis(wiring.redis), *found]

    def is_ready(self) -> bool:
        """Whether PostgreSQL and Redis answer this process."""
        try:
            with self.wiring.engine.connect() as connection:
                connection.execute(text("SELECT FROM ringostat_sync.parts LIMIT 1"))
            self.wiring.redis.ping()
        except (DBAPIError, RedisError):
            return False
        return True

    def causes(self) -> list[dict[str, Any]]:
        """The open dead letters by cause, with all their ids: what requeueing and discarding take."""
        with self.wiring.engine.begin() as connection:
            found = dead_letters.list_dead_letters(connection)
        return [asdict(cause) for cause in dead_letters.group_dead_letters(found, examples=len(found))]

    def listed(self, ids: Sequence[int]) -> list[dict[str, Any]]:
        """Open dead letters by their ids, as the list shows them: no personal data."""
        with self.wiring.engine.begin() as connection:
            found = dead_letters.list_dead_letters(connection)
        return [dead_letter.as_json() for dead_letter in found if int(dead_letter.id) in set(ids)]

    def dead_letter(self, number: int) -> dict[str, Any]:
        """One dead letter whole, with its document and the answer. Raises RefusedError."""
        with self.wiring.engine.begin() as connection:
            return _plain(dead_letters.show_dead_letter(connection, number))

    def requeue(self, ids: Sequence[int]) -> int:
        """Send these contacts again; returns how many. Raises RefusedError."""
        with self.wiring.engine.begin() as connection:
            return len(dead_letters.requeue_dead_letters(connection, ids))

    def discard(self, ids: Sequence[int]) -> int:
        """Give these contacts up; returns how many. Raises RefusedError."""
        with self.wiring.engine.begin() as connection:
            return len(dead_letters.discard_dead_letters(connection, ids))

    def pause(self, project: int) -> None:
        """Pause a project by hand. Raises RefusedError."""
        known_project(self.wiring.mapping, project)
        with self.wiring.engine.begin() as connection:
            pauses.pause_by_hand(connection, project, "Paused by an operator.")
        log.info("paused", project=project, reason=PauseReason.BY_HAND.value)
        self._report = None

    def resume(self, project: int) -> None:
        """Lift any pause and any throttle of a project. Raises RefusedError."""
        known_project(self.wiring.mapping, project)
        with self.wiring.engine.begin() as connection:
            pauses.resume(connection, project)
        log.info("resumed", project=project, reason=PauseReason.BY_HAND.value)
        with suppress(LimiterUnavailableError):  # what Redis knows is a copy: workers ask PostgreSQL when it is back
            self.wiring.limiter.reset(self.wiring.mapping.projects[project])
        self._report = None

    def contact(self, source: str, key: str) -> dict[str, Any]:
        """The story of one contact. Raises RefusedError, MappingBrokenError, ReplicaUnavailableError."""
        wiring = self.wiring
        known = known_source(wiring.mapping, source)
        address = Address(wiring.engine, wiring.settings.ringostat_base_url).id
        with wiring.engine.begin() as connection:
            return read_story(connection, wiring.mapping, known, key, Reader(wiring.crm).read, address).as_json()


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """With documents and payloads as JSON values, so that a page can show them."""

    def plain(item: Any) -> Any:
        try:
            return json.loads(item) if isinstance(item, str) and item[:1] in "{[" else item
        except ValueError:
            return item

    return {name: plain(item) for name, item in value.items()}
