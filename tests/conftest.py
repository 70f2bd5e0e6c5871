"""A real PostgreSQL and a real Redis for whoever asks, started by the first test that does."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis
from hypothesis import settings
from psycopg import sql

from tests.support.postgres import PROGRAMS, postgres_in, programs
from worker.local.up.embedded import EmbeddedPostgres, EmbeddedValkey

MEMORY = Path("/dev/shm")  # Linux' own
ROOM = 4 * 2**30
numbers = itertools.count(1)

settings.register_profile("storm", max_examples=3000, print_blob=True)


def pytest_report_header() -> str:
    """Which PostgreSQL the tests run on."""
    asked = subprocess.run([programs() / "postgres", "--version"], capture_output=True, text=True, check=True)
    return f"PostgreSQL: {asked.stdout.strip()}"


def pytest_configure() -> None:
    """Files are written to memory, if there is room: on a disk, each test's own database may take a quarter of a second to make.

    A run ended by SIGTERM takes its servers along, as one ended by Ctrl-C does.
    """
    if PROGRAMS and not (PROGRAMS / "postgres").exists():
        raise pytest.UsageError(f"POSTGRES: there is no program `postgres` in {PROGRAMS}.")
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A running PostgreSQL that survives no power cut; `url(name)` is a database's."""
    home = tmp_path_factory.mktemp("postgres")
    with _running(postgres_in(home), home) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A running Redis."""
    home = tmp_path_factory.mktemp("redis")
    with _running(EmbeddedValkey(home), home) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: EmbeddedValkey) -> str:
    """The URL of an empty Redis."""
    with redis.Redis.from_url(redis_server.url()) as client:
        client.flushall()
    return redis_server.url()


@pytest.fixture(scope="session")
def template_database(postgres_server: EmbeddedPostgres) -> str:
    """The name of a database with our schema in it, of which tests get copies."""
    from migrations import upgrade  # noqa: PLC0415 - most tests need no schema, and Alembic is slow to load

    name = "template_sync"
    _execute(postgres_server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    upgrade(postgres_server.url(name))
    _execute(postgres_server, sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
    return name


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    """The URL of a database of the test's own that is at the newest revision."""
    with _fresh_database(postgres_server, template_database) as url:
        yield url


@pytest.fixture
def empty_database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a database of the test's own with nothing in it."""
    with _fresh_database(postgres_server, "template1") as url:
        yield url


@contextmanager
def _fresh_database(server: EmbeddedPostgres, template: str) -> Iterator[str]:
    name = f"test_{next(numbers)}"
    names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
    _execute(server, sql.SQL("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy").format(**names))
    try:
        yield server.url(name)
    finally:
        _execute(server, sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(**names))


def _execute(server: EmbeddedPostgres, statement: sql.Composed) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(statement)


@contextmanager
def _running(server, home: Path) -> Iterator:
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home)
