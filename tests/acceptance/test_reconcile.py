"""`reconcile` as it is called, and beat and a worker that reconcile and poll by themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.support.waiting import wait_until
from worker.local.sandbox.server import Sandbox
from worker.local.up.parts import Part

PROJECT = 106
TOML = """
origin = "CRM"
default_responsible = "1"
[[sources]]
name = "people"
method = "contacts"
query = "people.sql"
capture = "poll"
poll_interval = 1
[[sources]]
name = "firms"
method = "organizations"
query = "firms.sql"
"""
PEOPLE = """
SELECT id AS key, name AS "fullName", json_build_array(json_build_object('type', 'phone', 'value', '0671234567')) AS "contactDirections"
FROM crm.people
"""
FIRMS = "SELECT id AS key, name FROM crm.firms"
CRM = """
CREATE SCHEMA crm;
CREATE TABLE crm.people (id int PRIMARY KEY, name text);
CREATE TABLE crm.firms (id int PRIMARY KEY, name text);
INSERT INTO crm.people SELECT g, 'Name' FROM generate_series(1, 3) g;
INSERT INTO crm.firms SELECT g, 'Firm' FROM generate_series(1, 2) g;
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """The stand-in API."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def environment(tmp_path: Path, database_url: str, redis_url: str, sandbox: Sandbox) -> dict[str, str]:
    """The settings of an installation with a small CRM."""
    for name, text in (("sync.toml", TOML), ("people.sql", PEOPLE), ("firms.sql", FIRMS)):
        (tmp_path / name).write_text(text)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(CRM)
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "RINGOSTAT_PROJECT_ID": str(PROJECT),
        "RINGOSTAT_AUTH_KEY": "key",
        "RINGOSTAT_BASE_URL": sandbox.url,
        "SYNC_CONFIG": str(tmp_path / "sync.toml"),
    }


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    command = [sys.executable, "-P", "-m", "worker", *arguments]
    return subprocess.run(command, env=kept | environment, capture_output=True, text=True, check=False)


def test_the_drift_of_each_source_is_a_line(environment: dict[str, str]) -> None:
    """A dry run and a real one print the same; drift is no failure."""
    counted = run(environment, "reconcile", "--dry-run")
    done = run(environment, "reconcile")
    assert (counted.returncode, done.returncode) == (0, 0), done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]

    assert counted.stdout == done.stdout
    assert lines[1:] == [["people", "0", "3", "0", "0"], ["firms", "0", "2", "0", "0"]]


@pytest.mark.parametrize(
    ("arguments", "told", "code"),
    [(("nobody",), "There is no source 'nobody'", 1), ((), "The query of source 'firms' fails", 1)],
)
def test_what_can_not_be_read_is_told(
    environment: dict[str, str], arguments: tuple[str, ...], told: str, code: int
) -> None:
    """Exit 1, one line; the other sources are reconciled."""
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("DROP TABLE crm.firms")
    done = run(environment, "reconcile", *arguments)

    assert done.returncode == code
    assert told in done.stderr
    assert ("people" in done.stdout) == (not arguments)


def test_what_is_held_is_confirmed(environment: dict[str, str]) -> None:
    """Exit 1 until then, and the way out is told."""
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            "WITH a AS (INSERT INTO ringostat_sync.addresses (url) VALUES (%s) RETURNING id)"
            " INSERT INTO ringostat_sync.deliveries (project, method, identity, key, outbox_id, digest, address)"
            " SELECT 106, 'contacts', 'externalId', g, 1, sha256('another'), a.id FROM generate_series(1, 100) g, a",
            [environment["RINGOSTAT_BASE_URL"]],
        )
    held, again = run(environment, "reconcile", "people"), run(environment, "reconcile", "people", "--dry-run")
    assert (held.returncode, again.returncode) == (1, 0)
    assert "reconcile people --confirm" in held.stderr
    confirmed = run(environment, "reconcile", "people", "--confirm")

    assert confirmed.returncode == 0, confirmed.stderr
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM ringostat_sync.pending").fetchone() == (100,)


def test_beat_and_a_worker_poll_and_reconcile(environment: dict[str, str], sandbox: Sandbox) -> None:
    """A polled source's change arrives by itself, and so does what a requested reconciliation finds."""
    lines: list[str] = []
    with ExitStack() as stack:
        connection = stack.enter_context(psycopg.connect(environment["DATABASE_URL"], autocommit=True))
        for name, arguments in {"worker": ("worker", "--concurrency", "2"), "beat": ("beat",)}.items():
            part = Part(name, arguments, environment, lambda *said: lines.append(": ".join(said)))
            stack.callback(part.end)
            part.start()

        def arrives(**id_of: str) -> None:
            wait_until(
                lambda: sandbox.book.contact(PROJECT, **id_of), 60, what=f"{id_of} to arrive, after {lines[-5:]}"
            )

        arrives(external_id="3")
        connection.execute("INSERT INTO crm.people VALUES (4, 'New')")
        arrives(external_id="4")
        connection.execute(
            "INSERT INTO ringostat_sync.walks (source, purpose, requested_at) VALUES ('firms', 'reconcile', now())"
            " ON CONFLICT (source, purpose) DO UPDATE SET requested_at = now()"
        )
        sent = "SELECT count(*) FROM ringostat_sync.deliveries WHERE method = 'organizations'"
        wait_until(lambda: connection.execute(sent).fetchone() == (2,), 60, what="the firms to arrive")
