"""The commands' exit codes and one-line errors."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy.engine import make_url

from tests.waiting import wait_until

TOML = """
[[sources]]
name = "contacts"
method = "contacts"
query = "contacts.sql"
watch = [{ table = "crm.contacts", key = "id" }]
"""
QUERY = "SELECT 1 AS key"


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in an empty folder, with nothing of ours in the environment but `environment`."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = [sys.executable, "-P", "-m", "worker", *arguments]
    return subprocess.run(command, cwd=folder, env=kept | environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (("migrate",), {}, "DATABASE_URL"),
        (("migrate",), {"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL"),
        (("status",), {"DATABASE_URL": "postgresql://x/y", "RINGOSTAT_RATE_LIMIT": "fast"}, "RINGOSTAT_RATE_LIMIT"),
        (("status",), {"DATABASE_URL": "postgresql://x/y"}, "SYNC_CONFIG"),
        (
            ("worker",),
            {"DATABASE_URL": "postgresql://x/y", "RINGOSTAT_BASE_URL": "http://example.com"},
            "RINGOSTAT_BASE_URL",
        ),
    ],
)
def test_a_wrong_setting_is_one_line(
    tmp_path: Path, arguments: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    """Exit code 2, one sentence that names the setting, and never a traceback."""
    done = run(tmp_path, *arguments, **environment)

    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.endswith(".\n")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("arguments", [("check",), ("worker",)], ids=" ".join)
def test_keys_that_differ_are_one_line(folder: Path, arguments: tuple[str, ...]) -> None:
    """Also of a command that does not post, but looks at everything."""
    toml = '[[projects]]\nid = 106\nauth_key_env = "K106"\n' + TOML
    (folder / "sync.toml").write_text(toml)
    environment = {"DATABASE_URL": "postgresql://x/y", "REDIS_URL": "redis://x", "K106": "a", "RINGOSTAT_AUTH_KEY": "z"}
    done = run(folder, *arguments, **environment)

    assert done.returncode == 2
    assert done.stdout == ""
    assert "Project 106 has different keys in K106 and RINGOSTAT_AUTH_KEY" in done.stderr


@pytest.mark.parametrize("command", ["flower", "sandbox"])
def test_a_port_that_is_taken_is_one_line(folder: Path, command: str) -> None:
    """Exit code 2, and which setting it is."""
    setting = f"{command.upper()}_PORT"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        environment = {
            setting: port,
            "FLOWER_BASIC_AUTH": "a:b",
            "REDIS_URL": "redis://x",
            "DATABASE_URL": "postgresql://x/y",
        }
        done = run(folder, command, RINGOSTAT_PROJECT_ID="106", **environment)

    assert done.returncode == 2
    assert done.stderr == (
        f"ringostat-sync: {setting}: port {port} of 127.0.0.1 cannot be had (Address already in use); choose a free one.\n"
    )


def test_a_folder_that_can_not_be_made_is_one_line(folder: Path) -> None:
    """SYNC_HOME below a plain file: exit code 2, and what to set."""
    done = run(folder, "up", SYNC_HOME=str(folder / "sync.toml" / "home"), RINGOSTAT_PROJECT_ID="106")
    *_, last = done.stderr.strip().splitlines()

    assert done.returncode == 2
    assert "set SYNC_HOME to a folder that this user may write to" in last
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_that_ends_in_order_ends_with_0(
    folder: Path, database_url: str, redis_url: str, number: signal.Signals
) -> None:
    """By Ctrl-C as by SIGTERM."""
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "RINGOSTAT_PROJECT_ID": "106",
        "RINGOSTAT_AUTH_KEY": "k",
    }
    command = [sys.executable, "-P", "-m", "worker", "worker", "--concurrency", "1"]
    with (
        redis.Redis.from_url(redis_url) as client,
        subprocess.Popen(command, cwd=folder, env=os.environ | environment, stderr=subprocess.PIPE) as worker,
    ):
        wait_until(lambda: any(one["cmd"] == "brpop" for one in client.client_list()), timeout=30, what="the worker")
        worker.send_signal(number)

        assert worker.wait(30) == 0


def test_wrong_usage_is_exit_code_2(tmp_path: Path) -> None:
    """An unknown option is wrong usage."""
    assert run(tmp_path, "status", "--nonsense").returncode == 2


def test_a_worker_py_in_the_folder_is_not_ours(tmp_path: Path, database_url: str) -> None:
    """A user's own `worker.py` gets in nobody's way."""
    (tmp_path / "worker.py").write_text("raise SystemExit(77)")

    assert run(tmp_path, "migrate", DATABASE_URL=database_url).returncode == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a mapping of one source."""
    (tmp_path / "sync.toml").write_text(TOML)
    (tmp_path / "contacts.sql").write_text(QUERY)
    return tmp_path


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("", "the condition is blank: write one, or leave it out."),
        (" ", "the condition is blank: write one, or leave it out."),
        ("key = 1;", "a condition holds no semicolon: take it out."),
        ("nope = 1", 'column "nope" does not exist: correct the condition.'),
    ],
)
def test_a_wrong_condition_is_one_line(folder: Path, database_url: str, where: str, told: str) -> None:
    """Exit code 2, and nobody is queued; a blank one, as of an unset variable, does not mean everybody."""
    done = run(folder, "backfill", "contacts", "--where", where, DATABASE_URL=database_url, RINGOSTAT_PROJECT_ID="106")
    *_, last = done.stderr.strip().splitlines()

    assert done.returncode == 2
    assert last == f"ringostat-sync: --where: {told}"
    assert "waiting to be sent" not in done.stderr


def test_a_backfill_before_migrate_is_one_line(folder: Path, empty_database_url: str) -> None:
    """As of every other command."""
    done = run(folder, "backfill", "contacts", DATABASE_URL=empty_database_url, RINGOSTAT_PROJECT_ID="106")

    assert done.returncode == 2
    assert done.stderr == (
        "ringostat-sync: DATABASE_URL: the schema is not there yet: run `ringostat-sync migrate` first.\n"
    )


def test_a_stopped_backfill_says_that_it_goes_on(folder: Path, database_url: str) -> None:
    """After how many keys, begun when; `--anew` does not."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ringostat_sync.backfills (source, condition, forced, after_key, done, started_at)"
            " VALUES ('contacts', '', false, '0', 7, '2026-11-27T06:36:05.5Z'), ('contacts', '', true, '0', 7, now())"
        )
    goes_on = run(folder, "backfill", "contacts", DATABASE_URL=database_url, RINGOSTAT_PROJECT_ID="106")
    anew = run(
        folder, "backfill", "contacts", "--force", "--anew", DATABASE_URL=database_url, RINGOSTAT_PROJECT_ID="106"
    )

    assert goes_on.stderr.startswith(
        "Going on after 7 keys of the backfill begun at 2026-11-27T06:36:05Z: --anew begins from the first.\n"
    )
    assert goes_on.stderr.endswith("contacts: 8 contacts are waiting to be sent.\n")
    assert "Going on" not in anew.stderr
    assert anew.stderr.endswith("contacts: 1 contact is waiting to be sent.\n")


@pytest.fixture
def guest_url(database_url: str) -> Iterator[str]:
    """The URL of a role that may connect, and no more."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
        try:
            yield make_url(database_url).set(username="guest", password="guest").render_as_string(hide_password=False)
        finally:
            connection.execute("DROP ROLE guest")


@pytest.mark.parametrize(
    "arguments",
    [
        ("migrate",),
        ("capture", "install"),
        ("capture", "status"),
        ("status",),
        ("dead-letters", "list"),
        ("pause", "106"),
        ("forget", "contacts", "1"),
        ("backfill", "contacts"),
    ],
    ids=" ".join,
)
def test_a_role_without_rights_is_one_line(folder: Path, guest_url: str, arguments: tuple[str, ...]) -> None:
    """Exit code 2, and what to grant."""
    done = run(folder, *arguments, DATABASE_URL=guest_url, RINGOSTAT_PROJECT_ID="106")
    *_, told = done.stderr.strip().splitlines()

    assert done.returncode == 2
    assert told.startswith("ringostat-sync: DATABASE_URL: the role may not do this (permission denied for ")
    assert "Traceback" not in done.stderr


def test_a_schema_that_is_there_needs_no_right_to_make_one(folder: Path, database_url: str, guest_url: str) -> None:
    """The role that installs triggers every day need not be the one that made the schema."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("GRANT USAGE ON SCHEMA ringostat_sync TO guest")
        connection.execute("GRANT SELECT ON ringostat_sync.alembic_version TO guest")
    done = run(folder, "migrate", DATABASE_URL=guest_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY guest")

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [("migrate",), ("capture", "install"), ("pause", "106")], ids=" ".join)
def test_a_read_only_outbox_is_one_line(folder: Path, database_url: str, arguments: tuple[str, ...]) -> None:
    """A replica given as DATABASE_URL: exit code 2, and where it belongs."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$"
        )
    done = run(folder, *arguments, DATABASE_URL=database_url, RINGOSTAT_PROJECT_ID="106")

    assert done.returncode == 2
    assert done.stderr.startswith("ringostat-sync: DATABASE_URL is a read-only replica: set CRM_DATABASE_URL to it")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("step", ["requeue", "discard"])
@pytest.mark.parametrize("narrowed", [("--reason", "refused"), ("--project", "106")], ids=" ".join)
def test_filters_do_not_go_with_ids(folder: Path, step: str, narrowed: tuple[str, str]) -> None:
    """A letter named by its id, that the filter may exclude, is not touched."""
    environment = {"DATABASE_URL": "postgresql://x/y", "RINGOSTAT_PROJECT_ID": "106"}
    done = run(folder, "dead-letters", step, "1", *narrowed, **environment)

    assert done.returncode == 2
    assert done.stderr == "ringostat-sync: --project and --reason go with --all, not with ids.\n"


@pytest.mark.parametrize(
    ("table", "said", "remedy"),
    [
        (
            "",
            "no table       contacts: crm.contacts\n"
            "               Source 'contacts' watches crm.contacts, which is not in this database.\n",
            "correct it in `sync.toml`, or the table",
        ),
        (
            "CREATE TABLE crm.contacts (number int)",
            "no column      contacts: crm.contacts\n"
            "               Source 'contacts' watches crm.contacts, which has no column id.\n",
            "correct it in `sync.toml`, or the table",
        ),
        ("CREATE TABLE crm.contacts (id int)", "missing        contacts: crm.contacts\n", "capture install"),
    ],
    ids=["no table", "no column", "missing"],
)
def test_capture_status_says_what_mends_a_watch(
    folder: Path, database_url: str, table: str, said: str, remedy: str
) -> None:
    """The sentence where there is one; and `capture install` only where that helps."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA crm;" + table)
    done = run(folder, "capture", "status", DATABASE_URL=database_url, RINGOSTAT_PROJECT_ID="106")

    assert done.returncode == 1
    assert done.stdout == said
    assert remedy in done.stderr
