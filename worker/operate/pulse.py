"""Pulse: each process of ours writes every few seconds that it lives, and when it last got on with its work."""

from __future__ import annotations

import hashlib
import json
import math
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import psycopg
import structlog

from worker import __version__
from worker.config.model import Mapping
from worker.config.settings import Settings
from worker.database.connect import Connector
from worker.database.sessions import OUTBOX
from worker.errors import SyncError
from worker.operate.outage import Outage

log = structlog.get_logger()

EVERY = 5.0
"""Seconds between two signs of life."""
WARM_UP = 45.0
"""Seconds after its start, or after a gap in its own signs of life, for which a process does not look for problems: its fellows may be
starting too, or may have had the same gap."""
GAP = 3 * EVERY
STUCK_AFTER = 60.0
"""Seconds without progress after which a process no longer counts as getting on."""

BEAT = """
INSERT INTO ringostat_sync.parts AS p (name, role, version, mapping, settings, progressed_at)
VALUES (%(name)s, %(role)s, %(version)s, %(mapping)s, %(settings)s, ringostat_sync.clock() - make_interval(secs => %(idle)s))
ON CONFLICT (name, role) DO UPDATE SET
    seen_at = ringostat_sync.clock(),
    progressed_at = excluded.progressed_at,
    started_at = CASE WHEN %(is_first)s THEN ringostat_sync.clock() ELSE p.started_at END,
    version = excluded.version,
    mapping = excluded.mapping,
    settings = excluded.settings,
    ended_at = NULL
"""
END = """
WITH long_gone AS (
    DELETE FROM ringostat_sync.parts WHERE seen_at < ringostat_sync.clock() - interval '1 day'
)
UPDATE ringostat_sync.parts SET ended_at = ringostat_sync.clock() WHERE name = %(name)s AND role = %(role)s
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a process says of itself. `mapping` and `settings` are fingerprints; `name` is `host:pid`."""

    role: str
    name: str
    version: str
    mapping: str
    settings: str


def identify(role: str, settings: Settings, mapping: Mapping) -> Identity:
    """The identity of this process."""
    name = f"{socket.gethostname()}:{os.getpid()}"
    return Identity(role, name, __version__, mapping_fingerprint(mapping), settings_fingerprint(settings))


def mapping_fingerprint(mapping: Mapping) -> str:
    """Eight hex digits that differ between any two mappings; keys of the API are left out."""
    projects = {
        number: [project.rate.count, project.rate.period, project.batch_size]
        for number, project in mapping.projects.items()
    }
    sources = {name: asdict(source) for name, source in mapping.sources.items()}
    return _fingerprint([asdict(mapping.defaults), projects, sources])


def settings_fingerprint(settings: Settings) -> str:
    """Likewise of the settings by which one worker sends otherwise than another."""
    s = settings
    tries = [s.sync_max_attempts, s.sync_retry_base, s.sync_retry_max]
    return _fingerprint([s.ringostat_base_url, *tries, s.sync_lease, s.ringostat_timeout])


def _fingerprint(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:8]


@dataclass
class Pulse:
    """Signs of life from a thread of its own, until `stop`. `also` is run after each, unless its fellows may not have got so far yet;
    `outage` hears of those that could be written, and of those that could not."""

    url: str
    identity: Identity
    also: Callable[[], None] | None = None
    outage: Outage | None = None
    every: float = EVERY
    clock: Callable[[], float] = time.monotonic
    _progressed: float = field(default=0.0, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _steady_since: float = field(default=0.0, init=False)
    _written: float = field(default=-math.inf, init=False)
    _asked: float = field(default=math.inf, init=False)
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)
    _connection: psycopg.Connection[tuple[object, ...]] | None = field(default=None, init=False)
    _is_first: bool = field(default=True, init=False)

    def start(self) -> None:
        """Begin, and say in one line what this process is."""
        self.progress()
        log.info("ready", role=self.identity.role, name=self.identity.name)
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self._thread.start()

    def progress(self) -> None:
        """The process has got on with its work. While PostgreSQL is frozen, this is who tells: the pulse waits for its answer."""
        self._progressed = self.clock()
        if self.outage is not None and self._progressed - self._asked > GAP:
            self.outage.away(TimeoutError())

    def stop(self) -> None:
        """The process ends in order, so it is not missed at once. One that never began was not there."""
        if self._thread is None:
            return
        self._stopped.set()
        self._thread.join(self.every)
        if not self._thread.is_alive():  # else PostgreSQL is frozen, and it would be waited for
            self._write(END)
            if self._connection is not None:
                self._connection.close()
        log.info("stopped", role=self.identity.role, name=self.identity.name)

    def beat(self) -> None:
        """Give a sign of life, and see whether there is anything to tell. A database that is away is no reason to end."""
        error = self._write(BEAT)
        if error is not None:
            if self.outage is not None:
                self.outage.away(error)
            return
        now = self.clock()
        if now - self._written > GAP:
            self._steady_since = now
        if self.outage is not None:
            self.outage.back()
        if self.also is not None and now - self._steady_since > WARM_UP:
            self.also()
        self._written = self.clock()

    def _run(self) -> None:
        while True:
            self.beat()
            if self._stopped.wait(self.every):
                return

    def _write(self, statement: str) -> Exception | None:
        """Why it could not be written; None if it was."""
        self._asked = self.clock()
        idle = self._asked - self._progressed
        values = {**asdict(self.identity), "idle": idle, "is_first": self._is_first}
        try:
            if self._connection is None or self._connection.closed:
                self._connection = Connector(self.url, "DATABASE_URL", OUTBOX, "ringostat-sync pulse")()
            self._connection.execute(statement.encode(), values)
        except (psycopg.Error, SyncError) as error:
            log.debug("pulse_not_written", kind=type(error).__name__)
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            return error
        finally:
            self._asked = math.inf
        self._is_first = False
        return None


def introduce(identity: Identity, settings: Settings, mapping: Mapping) -> None:
    """One line at the start of a process: what it is, for which projects, and where it sends."""
    log.info(
        "started",
        role=identity.role,
        version=identity.version,
        mapping=identity.mapping,
        project=sorted(mapping.projects) if len(mapping.projects) > 1 else next(iter(mapping.projects), None),
        address=settings.ringostat_base_url,
        config=str(settings.sync_config),
    )
