"""The ground that every part stands on: servers of its own, databases with a CRM in them, and the job's real processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import redis
from psycopg import sql

import migrations
from benchmarks import measure
from benchmarks.contacts import PROJECT
from worker.local import demo
from worker.local.up.embedded import EmbeddedPostgres, EmbeddedValkey

HERE = Path(__file__).parent
MAPPING = HERE / "mapping" / "sync.toml"
BASE = 10_000
"""Contacts that the demo makes up; the others are their copies."""
NO_QUOTA = "100000/s"
GRACE = 30.0
CALM_WITHIN = 60.0
WAITING = """
SELECT EXISTS (SELECT FROM ringostat_sync.outbox) OR EXISTS (SELECT FROM ringostat_sync.pending)
    OR EXISTS (SELECT FROM ringostat_sync.in_flight)
"""


class Program:
    """A command as a process of its own; what it says goes to `log`."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            arguments,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,  # Ctrl-C is for us, who end the programs in order
        )
        self.pid = self._process.pid

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, when it has ended by itself."""
        return self._process.wait(timeout)

    def running(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """End it and all that it has started."""
        self._process.terminate()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        finally:
            self._log.close()


class Ground:
    """PostgreSQL (its defaults, fsync on) and Redis in a folder that is removed at the end."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._templates: dict[int, str] = {}
        self._numbers = iter(range(1, 1_000_000))

    def __enter__(self) -> Ground:
        self.home = Path(tempfile.mkdtemp(prefix="ringostat-sync-bench-"))
        self.home.chmod(0o711)  # PostgreSQL may run under another account
        self._stack.callback(shutil.rmtree, self.home, ignore_errors=True)
        self.postgres = EmbeddedPostgres(self.home)
        self.valkey = EmbeddedValkey(self.home)
        for server in (self.postgres, self.valkey):
            self._stack.callback(server.stop)
            server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def postgres_pid(self) -> int:
        return int(self.postgres.pid or 0)

    @property
    def valkey_pid(self) -> int:
        return int(self.valkey.pid or 0)

    @property
    def log(self) -> Path:
        """What the programs have said."""
        return self.home / "programs.log"

    @contextmanager
    def database(self, contacts: int) -> Iterator[str]:
        """The URL of a new database with so many contacts and our schema, and an empty Redis; dropped at the end."""
        template = self._template(contacts)
        name = f"bench_{next(self._numbers)}"
        self._administer("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
        with redis.Redis.from_url(self.valkey.url()) as client:
            client.flushall()
        try:
            yield self.postgres.url(name)
        finally:
            self._administer("DROP DATABASE {} WITH (FORCE)", name)

    def environment(self, database_url: str, api_url: str = "http://127.0.0.1:9", **more: str) -> dict[str, str]:
        """The settings of the parts; `more` replace ours."""
        return {
            "DATABASE_URL": database_url,
            "CRM_DATABASE_URL": database_url,
            "REDIS_URL": self.valkey.url(),
            "RINGOSTAT_PROJECT_ID": str(PROJECT),
            "RINGOSTAT_AUTH_KEY": "bench",
            "RINGOSTAT_BASE_URL": api_url,
            "RINGOSTAT_RATE_LIMIT": NO_QUOTA,
            "SYNC_CONFIG": str(MAPPING),
            "SYNC_HOME": str(self.home),
            **more,
        }

    @contextmanager
    def parts(self, environment: dict[str, str], *commands: Sequence[str]) -> Iterator[list[Program]]:
        """Our own commands as processes, calm when they are handed over: Python has started, workers have forked.

        Raises TimeoutError where they are not calm in time: what would be measured then is their start.
        """
        arguments = [[sys.executable, "-P", "-m", "worker", *command] for command in commands]
        with self.programs(environment, *arguments, calm=True) as programs:
            yield programs

    @contextmanager
    def programs(
        self, environment: dict[str, str], *commands: Sequence[str], calm: bool = False
    ) -> Iterator[list[Program]]:
        """Any commands likewise; those that need not be `calm` may have begun to work."""
        with ExitStack() as stack:
            programs = []
            for arguments in commands:
                programs.append(Program(arguments, environment, self.log))
                stack.callback(programs[-1].end)
            are_calm = grow_calm([program.pid for program in programs])
            if not all(program.running() for program in programs):
                raise RuntimeError(f"A part has ended too soon:\n{self.log.read_text(errors='replace')[-3000:]}")
            if calm and not are_calm:
                raise TimeoutError(f"The parts were not calm within {CALM_WITHIN:g} s.")
            yield programs

    def run(self, environment: dict[str, str], *command: str) -> None:
        """One of our own commands, to its end."""
        program = Program([sys.executable, "-P", "-m", "worker", *command], environment, self.log)
        try:
            code = program.wait()
        finally:
            program.end()
        if code:
            raise RuntimeError(f"{command} ended with {code}:\n{self.log.read_text(errors='replace')[-3000:]}")

    def _template(self, contacts: int) -> str:
        if contacts not in self._templates:
            name = f"crm_{contacts}"
            self._administer("CREATE DATABASE {}", name)
            migrations.upgrade(self.postgres.url(name))
            populate(self.postgres.url(name), contacts)
            self._templates[contacts] = name
        return self._templates[contacts]

    def _administer(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.postgres.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))


def grow_calm(pids: Sequence[int]) -> bool:
    """Whether these trees have used next to no CPU for a second, as soon as they have: what is measured then is work, not starting."""
    end = time.monotonic() + CALM_WITHIN
    calm, before = 0, 0.0
    while calm < 4 and time.monotonic() < end:
        time.sleep(0.25)
        now = measure.cpu_seconds(pids)
        calm = calm + 1 if before and now - before < 0.05 else 0
        before = now
    return calm == 4


def wait_until_drained(connection: psycopg.Connection[Any], timeout: float = 1800.0) -> None:
    """Return when nothing waits and nothing is in flight. Raises TimeoutError."""
    end = time.monotonic() + timeout
    while value(connection, WAITING):
        if time.monotonic() > end:
            raise TimeoutError(f"The queue was not drained within {timeout:g} s.")
        time.sleep(0.1)  # each look costs the PostgreSQL that is measured


def value(connection: psycopg.Connection[Any], statement: str, **values: object) -> Any:
    """The first column of the first row."""
    row = connection.execute(statement, values).fetchone()
    return row[0] if row else None


def script(name: str, **numbers: int) -> str:
    """A file of statements with its numbers filled in."""
    text = (HERE / f"{name}.sql").read_text(encoding="utf-8")
    for word, number in numbers.items():
        text = text.replace(f":{word}", str(number))
    return text


def many_projects(home: Path, projects: int, more: str = "") -> Path:
    """A mapping of so many projects, each with a source; `more` stands with each project."""
    query = HERE.parent / "worker" / "local" / "demo" / "mapping" / "contacts.sql"
    lines = ['origin = "CRM"', 'default_responsible = "1"']
    lines += [f"[[projects]]\nid = {n}\n{more}" for n in range(1, projects + 1)]
    lines += [
        f'[[sources]]\nname = "c{n}"\nproject = {n}\nmethod = "contacts"\nquery = "{query}"'
        for n in range(1, projects + 1)
    ]
    file = home / "projects.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def populate(database_url: str, contacts: int) -> None:
    """A CRM of so many contacts, all of which can be sent, numbered from 1."""
    base = min(contacts, BASE)
    with psycopg.connect(database_url, autocommit=True) as connection:
        demo.install(connection, contacts=base, dice=Random(1))
        connection.execute(script("multiply", base=base, contacts=contacts))
        connection.execute("VACUUM ANALYZE")
