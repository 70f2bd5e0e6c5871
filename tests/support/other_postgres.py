"""PostgreSQLs beside the one of most tests: a standby, a build with ICU, a pooler in between; each where the machine has what it needs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest.mock import patch

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.support.postgres import PROGRAMS, programs
from tests.support.waiting import wait_until
from worker.local.up.embedded import EmbeddedPostgres, postgres
from worker.local.up.embedded.server import server_environment, write_private

QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def program(name: str) -> str:
    """A program of the PostgreSQL that tests run on; skips the test where it comes without."""
    found = programs() / name
    if not os.access(found, os.X_OK):
        pytest.skip(f"there is no {name}")
    return str(found)


def run(name: str, *arguments: str, expect: int = 0) -> str:
    """Run a program of PostgreSQL's; returns what it said on standard error."""
    done = subprocess.run(
        [program(name), *arguments], capture_output=True, text=True, check=False, env=server_environment()
    )
    assert done.returncode == expect, done.stderr
    return done.stderr


class StandbyOf(EmbeddedPostgres):
    """A standby of a running server, made by `pg_basebackup`."""

    def __init__(self, main: EmbeddedPostgres, home: Path, settings: dict[str, str]) -> None:
        super().__init__(home, settings=settings, programs=PROGRAMS)
        self._main = main

    def _prepare(self) -> None:
        write_private(self.room / "password", self._main.password)
        self.password = self._main.password
        super()._prepare()

    def _make_cluster(self) -> None:
        run("pg_basebackup", "-d", self._main.url("postgres"), "-D", str(self.data), "-R", "-c", "fast", "--no-sync")
        self._as.adopt(self.data)

    def _furnish(self) -> None:
        """There is nothing to make in a copy."""


@contextmanager
def standby_of(main: EmbeddedPostgres, settings: dict[str, str] = QUICK) -> Iterator[EmbeddedPostgres]:
    """A standby that follows until the end of the block."""
    home = Path(tempfile.mkdtemp(prefix="ringostat-sync-standby-"))
    standby = StandbyOf(main, home, settings)
    try:
        standby.start()
        yield standby
    finally:
        standby.stop()
        shutil.rmtree(home)


def follow(main: str, standby: str) -> None:
    """Wait until the standby has all that was committed on the main server; both by their addresses."""
    with psycopg.connect(main, autocommit=True) as writing, psycopg.connect(standby, autocommit=True) as following:
        # The position at which the main server would write next may be one that a standby at rest does not reach.
        written = writing.execute("SELECT pg_logical_emit_message(true, 'tests', '')::text").fetchone()
        replayed = partial(following.execute, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", written)
        wait_until(lambda: replayed().fetchone() == (True,), 30, what="the standby to follow")


@contextmanager
def distributed_postgres() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL as distributions build it, with ICU and the contributed modules; skips the test where the machine has none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        pytest.skip("there is no PostgreSQL of a distribution")
    home = Path(tempfile.mkdtemp(prefix="ringostat-sync-distributed-"))
    server = EmbeddedPostgres(home, settings=QUICK)
    with patch.object(postgres, "server_binary", lambda: found[-1]):
        try:
            server.start()
            yield server
        finally:
            server.stop()
            shutil.rmtree(home)


@contextmanager
def database_in(server: EmbeddedPostgres, encoding: str) -> Iterator[str]:
    """The address of an empty database in this encoding."""
    name = f"crm_{encoding.lower()}"
    create = sql.SQL("CREATE DATABASE {} ENCODING {} LOCALE 'C' TEMPLATE template0")
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(create.format(sql.Identifier(name), sql.Literal(encoding)))
        try:
            yield server.url(name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


PGBOUNCER = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
server_reset_query = DISCARD ALL
default_pool_size = 8
{more}
"""


@contextmanager
def pgbouncer(database_url: str, mode: str, more: str = "") -> Iterator[str]:
    """The same database through a PgBouncer of this pool mode; skips the test where the machine has none."""
    binary = shutil.which("pgbouncer")
    if binary is None:
        pytest.skip("there is no pgbouncer")
    address = conninfo_to_dict(database_url)
    home = Path(tempfile.mkdtemp(prefix="ringostat-sync-pgbouncer-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = free.getsockname()[1]
    login = f"user={address['user']} password={address['password']}"
    settings = PGBOUNCER.format(
        host=f"{address['host']} {login}", port=address["port"], listen=listen, mode=mode, more=more
    )
    (home / "pgbouncer.ini").write_text(settings)
    home.chmod(0o755)
    account = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [binary, *account, str(home / "pgbouncer.ini")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"postgresql://{address['user']}@127.0.0.1:{listen}/{address['dbname']}"
    try:
        _wait(url)
        yield url
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(home)


def _wait(url: str) -> None:
    for _ in range(100):
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("pgbouncer does not answer")
