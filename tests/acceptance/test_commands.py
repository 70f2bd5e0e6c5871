"""The commands as they are called: what they do, their exit codes and one-line errors."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
import redis
from sqlalchemy.engine import make_url

from tests.support.other_postgres import standby_of
from tests.support.waiting import wait_until
from worker.__main__ import main
from worker.cli import session
from worker.local.sandbox import Sandbox
from worker.local.up.embedded import EmbeddedPostgres

TOML = """
[[sources]]
name = "contacts"
method = "contacts"
query = "contacts.sql"
watch = [{ table = "crm.contacts", key = "id" }]
"""
QUERY = "SELECT 1 AS key"
OURS = ("DATABASE_", "CRM_", "REDIS_", "RINGOSTAT_", "SYNC_")
"""How the names of our settings begin."""


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
    assert done.stderr.endswith(
        f"ringostat-sync: {setting}: port {port} of 127.0.0.1 can't be used (Address already in use); choose a free one.\n"
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


def test_a_worker_that_waits_for_redis_ends_in_order(folder: Path, database_url: str) -> None:
    """It never came to work, and says nothing more."""
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": "redis://127.0.0.1:1",
        "RINGOSTAT_PROJECT_ID": "106",
        "RINGOSTAT_AUTH_KEY": "k",
    }
    command = [sys.executable, "-P", "-m", "worker", "worker", "--concurrency", "1"]
    with subprocess.Popen(
        command, cwd=folder, env=os.environ | environment, stderr=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stderr is not None
        assert any("broker_unavailable" in line for line in worker.stderr)
        worker.send_signal(signal.SIGTERM)

        assert "Traceback" not in worker.stderr.read()
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


class Ended(NamedTuple):
    """What a command has come to."""

    code: object
    output: str
    errors: str


Command = Callable[..., Ended]


@pytest.fixture
def command(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """A command within this process, to its end: a process of its own takes a second to start.

    What is put into the environment stays there for the next one.
    """
    monkeypatch.chdir(folder)
    monkeypatch.setattr(session, "set_up_logs", lambda *_: None)  # this process has other tests to run
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("RINGOSTAT_PROJECT_ID", "106")

    def ended(*arguments: str, **environment: str) -> Ended:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["ringostat-sync", *arguments])
        with pytest.raises(SystemExit) as raised:
            main()
        return Ended(raised.value.code, *capsys.readouterr())

    return ended


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("", "the condition is blank: write one, or leave it out."),
        (" ", "the condition is blank: write one, or leave it out."),
        ("key = 1;", "a condition can't have a semicolon: remove it."),
        ("nope = 1", 'column "nope" does not exist: correct the condition.'),
    ],
)
def test_a_wrong_condition_is_one_line(command: Command, database_url: str, where: str, told: str) -> None:
    """Exit code 2, and nobody is queued; a blank one, as of an unset variable, does not mean everybody."""
    done = command("backfill", "contacts", "--where", where, DATABASE_URL=database_url)
    *_, last = done.errors.strip().splitlines()

    assert done.code == 2
    assert last == f"ringostat-sync: --where: {told}"
    assert "waiting to be sent" not in done.errors


def test_a_backfill_before_migrate_is_one_line(command: Command, empty_database_url: str) -> None:
    """As of every other command."""
    done = command("backfill", "contacts", DATABASE_URL=empty_database_url)

    assert done.code == 2
    assert done.errors == (
        "ringostat-sync: DATABASE_URL: the schema is not there yet: run `ringostat-sync migrate` first.\n"
    )


def test_a_stopped_backfill_says_that_it_goes_on(command: Command, database_url: str) -> None:
    """After how many keys, begun when; `--anew` does not."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ringostat_sync.backfills (source, condition, forced, last_key, done, started_at)"
            " VALUES ('contacts', '', false, '0', 7, '2026-11-27T06:36:05.5Z'), ('contacts', '', true, '0', 7, now())"
        )
    goes_on = command("backfill", "contacts", DATABASE_URL=database_url)
    anew = command("backfill", "contacts", "--force", "--anew")

    assert goes_on.errors.startswith(
        "Going on after 7 keys of the backfill begun at 2026-11-27T06:36:05Z: --anew begins from the first.\n"
    )
    assert goes_on.errors.endswith("contacts: 8 contacts are waiting to be sent.\n")
    assert "Going on" not in anew.errors
    assert anew.errors.endswith("contacts: 1 contact is waiting to be sent.\n")


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
def test_a_role_without_rights_is_one_line(command: Command, guest_url: str, arguments: tuple[str, ...]) -> None:
    """Exit code 2, and what to grant."""
    done = command(*arguments, DATABASE_URL=guest_url)
    *_, told = done.errors.strip().splitlines()

    assert done.code == 2
    assert told.startswith("ringostat-sync: DATABASE_URL: the role may not do this (permission denied for ")


def test_a_schema_that_is_there_needs_no_right_to_make_one(command: Command, database_url: str, guest_url: str) -> None:
    """The role that installs triggers every day need not be the one that made the schema."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("GRANT USAGE ON SCHEMA ringostat_sync TO guest")
        connection.execute("GRANT SELECT ON ringostat_sync.alembic_version TO guest")
    done = command("migrate", DATABASE_URL=guest_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP OWNED BY guest")

    assert done.code == 0, done.errors


@pytest.mark.parametrize("arguments", [("migrate",), ("capture", "install"), ("pause", "106")], ids=" ".join)
def test_a_read_only_outbox_is_one_line(
    command: Command, postgres_server: EmbeddedPostgres, database_url: str, arguments: tuple[str, ...]
) -> None:
    """A replica given as DATABASE_URL: exit code 2, and where it belongs."""
    with standby_of(postgres_server) as standby:
        done = command(*arguments, DATABASE_URL=standby.url(str(make_url(database_url).database)))

    assert done.code == 2
    assert done.errors.startswith("ringostat-sync: DATABASE_URL is a read-only replica: set CRM_DATABASE_URL to it")
    assert len(done.errors.strip().splitlines()) == 1


@pytest.mark.parametrize("arguments", [("migrate",), ("capture", "install"), ("pause", "106")], ids=" ".join)
def test_a_database_that_begins_read_only_is_written(
    command: Command, database_url: str, arguments: tuple[str, ...]
) -> None:
    """`default_transaction_read_only` is how sessions begin; ours say what they rely on."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA crm; CREATE TABLE crm.contacts (id int)")
        connection.execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$"
        )
    done = command(*arguments, DATABASE_URL=database_url)

    assert done.code == 0, done.errors


@pytest.mark.parametrize("step", ["requeue", "discard"])
@pytest.mark.parametrize("narrowed", [("--reason", "refused"), ("--project", "106")], ids=" ".join)
def test_filters_do_not_go_with_ids(command: Command, step: str, narrowed: tuple[str, str]) -> None:
    """A dead letter named by its id, that the filter may exclude, is not touched."""
    done = command("dead-letters", step, "1", *narrowed, DATABASE_URL="postgresql://x/y")

    assert done == (2, "", "ringostat-sync: Filters such as --project and --reason go with --all, not with ids.\n")


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
    command: Command, database_url: str, table: str, said: str, remedy: str
) -> None:
    """The sentence where there is one; and `capture install` only where that helps."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA crm;" + table)
    done = command("capture", "status", DATABASE_URL=database_url)

    assert (done.code, done.output) == (1, said)
    assert remedy in done.errors


@pytest.mark.parametrize(
    ("harm", "line"),
    [
        (
            "ALTER TABLE crm.contacts DISABLE TRIGGER ALL",
            "disabled       contacts: crm.contacts\n               Trigger ",
        ),
        (
            "ALTER TABLE crm.contacts ENABLE TRIGGER ALL",
            "other state    contacts: crm.contacts\n               Trigger ",
        ),
        (
            "ALTER TABLE crm.contacts RENAME TO old; CREATE TABLE crm.contacts (id int)",
            "rebuilt        contacts: crm.contacts\n               crm.contacts is another table than ",
        ),
    ],
    ids=["disabled", "other state", "swapped"],
)
def test_capture_status_tells_of_harm(command: Command, database_url: str, harm: str, line: str) -> None:
    """What happened and what mends it; afterwards all is well."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA crm; CREATE TABLE crm.contacts (id int)")
        command("capture", "install", DATABASE_URL=database_url)
        connection.execute(harm)
    done = command("capture", "status")

    assert done.code == 1
    assert done.output.startswith(line)
    assert "run `ringostat-sync capture install`" in done.errors
    assert command("capture", "install").code == 0
    assert command("capture", "status") == (0, "ok             contacts: crm.contacts\n", "")
    assert command("capture", "install").errors == "Every watch is in place.\n"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """The stand-in API."""
    with Sandbox() as running:
        yield running


def checked(folder: Path, database_url: str, sandbox: Sandbox, query: str) -> subprocess.CompletedProcess[str]:
    """`check` of a source with this query, and whatever a worker needs but Redis."""
    (folder / "sync.toml").write_text('origin = "CRM"\ndefault_responsible = "1"\n' + TOML)
    (folder / "contacts.sql").write_text(query)
    environment = {"DATABASE_URL": database_url, "RINGOSTAT_PROJECT_ID": "106", "RINGOSTAT_AUTH_KEY": "secret"}
    return run(folder, "check", RINGOSTAT_BASE_URL=sandbox.url, **environment)


def test_check_shows_a_finished_request_and_posts_nothing(folder: Path, database_url: str, sandbox: Sandbox) -> None:
    """Of the first contact that can be sent; one that can't is a warning, so the exit code is 0."""
    query = """SELECT key, name AS "fullName", '[{"type": "phone", "value": "0671234567"}]'::json AS "contactDirections"
        FROM (VALUES (1, ' '), (2, 'Іван')) AS c (key, name)"""
    done = checked(folder, database_url, sandbox, query)
    _, post, body = done.stdout.partition(
        f"\nPOST {sandbox.url}/minicrm/contacts/sync\n"
        "Content-Type: application/json\nauth-key: …\nx-project-id: 106\n\n"
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "! contacts: 1 can't be sent: invalid: fullName must not be null or blank (key 1); " in done.stdout
    assert post, done.stdout
    assert [contact["fullName"] for contact in json.loads(body)["contacts"]] == ["Іван"]
    assert [*sandbox.requests] == []


def test_check_ends_with_1_where_a_source_can_not_be_read(folder: Path, database_url: str, sandbox: Sandbox) -> None:
    """The line of the source says why, and the last one where to look."""
    done = checked(folder, database_url, sandbox, "SELECT id AS key FROM crm.nobody")

    assert (done.returncode, done.stderr) == (1, "ringostat-sync: Something is wrong: see ✗ above.\n")
    assert '✗ contacts: the query fails: relation "crm.nobody" does not exist\n' in done.stdout
    assert "POST" not in done.stdout


def test_capture_is_installed_where_nobody_has_migrated(command: Command, empty_database_url: str) -> None:
    """`install` migrates first; `remove` takes off what it has put on, and leaves the schema."""
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA crm; CREATE TABLE crm.contacts (id int)")
        installed = command("capture", "install", DATABASE_URL=empty_database_url)
        found = command("capture", "status")
        connection.execute("INSERT INTO crm.contacts VALUES (7)")
        removed = command("capture", "remove")
        connection.execute("INSERT INTO crm.contacts VALUES (8)")
        captured = connection.execute("SELECT key FROM ringostat_sync.outbox").fetchall()
        migrated = connection.execute("SELECT count(*) FROM ringostat_sync.alembic_version").fetchall()

    assert (installed.code, installed.output) == (0, "")
    assert found == (0, "ok             contacts: crm.contacts\n", "")
    assert removed == (0, "", "no longer watching crm.contacts\n")
    assert (captured, migrated) == ([("7",)], [(1,)])


def test_a_project_is_paused_and_resumed(command: Command, database_url: str) -> None:
    """By hand, without a deadline; each says what it has done."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        paused = command("pause", "106", DATABASE_URL=database_url)
        pauses = connection.execute("SELECT project, reason::text, until FROM ringostat_sync.pauses").fetchall()
        resumed = [command("resume", "106") for _ in range(2)]
        left = connection.execute("SELECT * FROM ringostat_sync.pauses").fetchall()

    assert paused == (0, "", "Project 106 is paused: `ringostat-sync resume 106` lifts it.\n")
    assert pauses == [(106, "by_hand", None)]
    assert resumed == [(0, "", "Project 106 is resumed.\n"), (0, "", "Project 106 was not paused.\n")]
    assert left == []


def test_resume_does_without_redis(command: Command, database_url: str) -> None:
    """What it holds is a copy: workers ask PostgreSQL whether they have to hold back."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ringostat_sync.service_health (project, throttled_until) VALUES (106, now() + interval '1 hour')"
        )
    resumed = command("resume", "106", DATABASE_URL=database_url)

    assert resumed == (0, "", "Project 106 is resumed.\n")


NO_PROJECT = "There is no project 7: the configuration has 106."
NO_LETTER = "No open dead letter has the id 99: `ringostat-sync dead-letters list` shows them."


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("pause 7", NO_PROJECT),
        ("resume 7", NO_PROJECT),
        ("dead-letters list --project 7", NO_PROJECT),
        ("dead-letters discard --all --project 7", NO_PROJECT),
        ("dead-letters show 99", "There is no dead letter 99: `ringostat-sync dead-letters list` shows the open ones."),
        ("dead-letters requeue 99", NO_LETTER),
        ("dead-letters discard 99", NO_LETTER),
    ],
)
def test_an_unknown_project_or_letter_is_refused(
    command: Command, database_url: str, arguments: str, said: str
) -> None:
    """Exit code 1, and one line."""
    assert command(*arguments.split(), DATABASE_URL=database_url) == (1, "", f"ringostat-sync: {said}\n")


def test_all_letters_are_those_of_the_filter(command: Command, database_url: str) -> None:
    """`--all` takes the open dead letters of a reason or a project, and leaves the others open."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ringostat_sync.dead_letters"
            " (project, method, identity, key, source, outbox_id, reason, detail, attempts)"
            " SELECT project, 'contacts', 'externalId', project || reason, 'contacts', 1, reason::ringostat_sync.dead_letter_reason, '', 1"
            " FROM (VALUES (106, 'refused'), (106, 'invalid'), (107, 'invalid')) AS l (project, reason)"
        )
        requeued = command("dead-letters", "requeue", "--all", "--reason", "refused", DATABASE_URL=database_url)
        discarded = command("dead-letters", "discard", "--all", "--project", "106")
        states = dict(connection.execute("SELECT key, state::text FROM ringostat_sync.dead_letters").fetchall())
        waiting = connection.execute("SELECT key FROM ringostat_sync.pending").fetchall()

    assert (requeued, discarded) == ((0, "", "1 requeued.\n"), (0, "", "1 discarded.\n"))
    assert states == {"106refused": "requeued", "106invalid": "discarded", "107invalid": "open"}
    assert waiting == [("106refused",)]
