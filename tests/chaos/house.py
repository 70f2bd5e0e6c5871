"""The whole job as it runs at a customer's: two of everything, real servers, a CRM that never rests, the sandbox as the API.

Contacts bear versions for names, and a version only ever grows: so a contact whose last name at the API is not the
CRM's is lost, and one whose names there ever went down got an older state after a newer one.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

import migrations
from tests.chaos.armed import FOLDER
from tests.chaos.processes import ROOT, Process, Supervisor
from tests.chaos.proxy import Proxy
from tests.support.arrivals import most_in_a_second
from tests.support.postgres import postgres_in
from tests.support.waiting import nothing_waits, wait_until
from worker import capture
from worker.config.mapping import load_mapping
from worker.config.settings import load_settings
from worker.failpoints import Failpoint
from worker.local.sandbox.faults import Refuse, Rule
from worker.local.sandbox.server import Sandbox
from worker.local.up.embedded import EmbeddedValkey

PROJECT = 106
CONTACTS = 6_000
"""More than one chunk of a backfill, and of an fan-out."""
LIVELY = 300
"""So many of them change all the time."""
POISONED = 13
"""The API refuses this one, so that batches are split all the time."""
MARKER = 14
"""Changed by whoever wants to know how long a change takes."""

CRM = """
CREATE SCHEMA crm;
CREATE TABLE crm.companies (id bigint PRIMARY KEY, version int NOT NULL DEFAULT 0);
CREATE TABLE crm.contacts (id bigint PRIMARY KEY, version int NOT NULL DEFAULT 0, company_id bigint NOT NULL);
INSERT INTO crm.companies VALUES (1);
"""
FILL = "INSERT INTO crm.contacts (id, company_id) SELECT g, 1 FROM generate_series(1, %s::int) g"
VERSIONS = "SELECT c.id, c.version + o.version FROM crm.contacts c JOIN crm.companies o ON o.id = c.company_id"
CONTACTS_SQL = """
SELECT c.id AS key, (c.version + o.version)::text AS "fullName",
    json_build_array(json_build_object('type', 'phone', 'value', '067' || lpad(c.id::text, 7, '0'))) AS "contactDirections"
FROM crm.contacts c JOIN crm.companies o ON o.id = c.company_id
"""
TOML = """
origin = "CRM"
default_responsible = "1"
[[sources]]
name = "contacts"
method = "contacts"
query = "contacts.sql"
watch = [
  { table = "crm.contacts", key = "id" },
  { table = "crm.companies", keys = "SELECT c.id FROM crm.contacts c WHERE c.company_id = changed.id" },
]
"""


@dataclass(frozen=True)
class Verdict:
    """What a fault has done.

    Contacts lost, contacts that got an older state after a newer one, dead letters that are not deserved, the most requests in any
    second at the receiver, and seconds from the fault's end until a new change arrived and until every older one had.
    """

    lost: int
    stale: int
    undeserved: int
    most: int
    resumed: float
    recovered: float

    def holds(self, rate: int) -> bool:
        return not (self.lost or self.stale or self.undeserved) and self.most <= rate + 1


class House:
    """`rate`: requests a second; `poison`: what the API refuses; `timeout`: seconds until all contacts have arrived for the first
    time. Settings by name replace the usual ones.
    """

    def __init__(
        self,
        folder: Path,
        *,
        rate: int = 20,
        workers: int = 2,
        concurrency: int = 2,
        contacts: int = CONTACTS,
        poison: Sequence[Rule] = (Refuse(ids=[str(POISONED)]),),
        timeout: float = 120,
        **settings: str,
    ) -> None:
        self.folder, self.rate, self.contacts, self.poison, self.timeout = folder, rate, contacts, poison, timeout
        self.postgres = postgres_in(folder, {"fsync": "off", "full_page_writes": "off"})
        self.valkey = EmbeddedValkey(folder)
        self.sandbox = Sandbox(history=True)
        self.proxy = Proxy(lambda: self.valkey.port)
        self.settings = settings
        parts = [("worker", "--concurrency", str(concurrency))] * workers + [("beat",), ("listen",)] * 2
        self._parts = [(part, f"{part[0]}-{number}") for number, part in enumerate(parts)]
        self._seen = 0

    def __enter__(self) -> House:
        with ExitStack() as stack:
            for server in (self.postgres, self.valkey, self.sandbox, self.proxy):
                server.start()
                stack.callback(server.stop)
            self._furnish()
            self.supervisor = Supervisor(
                [Process(part, self.environment, self.folder / f"{name}.log") for part, name in self._parts]
            )
            stack.callback(self.supervisor.stop)
            self.supervisor.start()
            for rule in self.poison:
                self.sandbox.faults.add(rule)
            self.run("backfill", "contacts")
            self.settle(self.timeout)
            self._ends = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def _furnish(self) -> None:
        (self.folder / "sync.toml").write_text(TOML, encoding="utf-8")
        (self.folder / "contacts.sql").write_text(CONTACTS_SQL, encoding="utf-8")
        (self.folder / "armed").mkdir()
        self.database_url = self.postgres.url()
        self.environment = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": f"redis://:{self.valkey.password}@127.0.0.1:{self.proxy.port}/0",
            "RINGOSTAT_PROJECT_ID": str(PROJECT),
            "RINGOSTAT_AUTH_KEY": "key",
            "RINGOSTAT_BASE_URL": self.sandbox.url,
            "RINGOSTAT_RATE_LIMIT": f"{self.rate}/s",
            "RINGOSTAT_TIMEOUT": "2",
            "SYNC_LEASE": "5",
            "SYNC_COLLECT_INTERVAL": "1",
            "SYNC_RETRY_BASE": "0.1",
            "SYNC_RETRY_MAX": "1",
            "SYNC_MAX_ATTEMPTS": "1000",
            "SYNC_CONFIG": str(self.folder / "sync.toml"),
            FOLDER: str(self.folder / "armed"),
            **self.settings,
        }
        migrations.upgrade(self.database_url)
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(CRM.encode())
            connection.execute(FILL, [self.contacts])
            capture.install(connection, load_mapping(load_settings(self.environment), need_keys=False))

    def sql(self, statement: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.database_url, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One of our commands, to its end, with its failpoints armed."""
        return subprocess.run(
            [sys.executable, "-m", "tests.chaos.armed", *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=check,
        )

    def arm(self, point: Failpoint, signal: int, whom: str = "one") -> Path:
        """Order a signal for the next process that comes by `point`; the file is gone when it has struck."""
        order = self.folder / "armed" / point
        (self.folder / "order").write_text(f"{signal:d} {whom}")
        (self.folder / "order").rename(order)
        return order

    def strike(self, point: Failpoint, signal: int, whom: str = "one", timeout: float = 30) -> None:
        """Order a signal, and wait until it has struck."""
        order = self.arm(point, signal, whom)
        wait_until(lambda: not order.exists(), timeout=timeout, what=f"somebody to come by {point.value}")

    def processes(self, kind: str) -> list[Process]:
        return [process for process in self.supervisor.processes if process.arguments[0] == kind]

    @contextmanager
    def life(self, seed: int = 1) -> Iterator[None]:
        """The CRM changes all the time, as long as its database answers."""
        stop, dice = threading.Event(), random.Random(seed)

        def live() -> None:
            while not stop.wait(dice.random() * 0.04):
                try:
                    self._change(dice)
                except psycopg.OperationalError:
                    stop.wait(0.1)

        thread = threading.Thread(target=live, name="crm")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _change(self, dice: random.Random) -> None:
        keys = dice.sample(range(1, LIVELY + 1), dice.randint(1, 8))
        with psycopg.connect(self.database_url, connect_timeout=5) as connection:
            connection.execute("SET statement_timeout = '5s'")
            connection.execute("UPDATE crm.contacts SET version = version + 1 WHERE id = ANY(%s)", [sorted(keys)])

    def endure(self, fault: Callable[[House], None], seed: int = 1, timeout: float = 120) -> Verdict:
        """Do `fault` to the living job, let everything come to rest, and count."""
        self._seen = self.sandbox.requests.last
        with self.life(seed):
            fault(self)
            healed = time.monotonic()
            self.arrive(timeout)
            resumed = time.monotonic() - healed
        self.settle(timeout)
        return self.verdict([str(POISONED)], resumed, time.monotonic() - healed)

    def arrive(self, timeout: float) -> None:
        """Change one contact, and wait until the API has it."""
        self.sql("UPDATE crm.contacts SET version = version + 1 WHERE id = %s", MARKER)
        [(_, version)] = self.sql(f"{VERSIONS} WHERE c.id = {MARKER}")
        wait_until(lambda: self._versions(MARKER)[-1:] >= [version], timeout=timeout, what="a change to arrive")

    def settle(self, timeout: float) -> None:
        wait_until(lambda: nothing_waits(self.sql), timeout=timeout, every=0.1, what="everything to settle")

    def flood(self) -> None:
        """Change every contact, so that there is a backlog; requests are counted from here on."""
        self._seen = self.sandbox.requests.last
        self.sql("UPDATE crm.contacts SET version = version + 1")

    def arrivals(self, count: int) -> list[float]:
        """When the first `count` requests since the flood arrived, in seconds; the flood goes on until they have."""

        def enough() -> bool:
            [(waiting,)] = self.sql("SELECT count(*) FROM ringostat_sync.pending")
            if waiting < self.contacts / 2:
                self.sql("UPDATE crm.contacts SET version = version + 1")
            return len(self.sandbox.requests.since(self._seen)) >= count

        wait_until(enough, timeout=60 + 2 * count / self.rate, every=0.2, what=f"{count} requests")
        return sorted(request.arrived for request in self.sandbox.requests.since(self._seen))[:count]

    def dead_letters(self) -> list[str]:
        """The keys of the open dead letters, in the order of their numbers."""
        open_ones = self.sql("SELECT key FROM ringostat_sync.dead_letters WHERE state = 'open'")
        return sorted((key for (key,) in open_ones), key=int)

    def verdict(self, at_fault: Sequence[str], resumed: float = 0.0, recovered: float = 0.0) -> Verdict:
        """Count; contacts at fault may be lost, and deserve their dead letters."""
        crm = dict(self.sql(VERSIONS))
        held = {key: self._versions(key) for key in crm if str(key) not in at_fault}
        return Verdict(
            lost=sum(versions[-1:] != [crm[key]] for key, versions in held.items()),
            stale=sum(versions != sorted(versions) for versions in held.values()),
            undeserved=len(set(self.dead_letters()) - set(at_fault)),
            most=self.most_in_a_second(),
            resumed=resumed,
            recovered=recovered,
        )

    def most_in_a_second(self) -> int:
        """The most requests that arrived within any second since the last fault began."""
        arrived = sorted(request.arrived for request in self.sandbox.requests.since(self._seen))
        return most_in_a_second(arrived)

    def _versions(self, key: int) -> list[int]:
        return [int(str(state["fullName"])) for state in self.sandbox.book.history(PROJECT, external_id=str(key))]
