"""No personal data and no secret where others look: real processes at debug level, and people whom the test can find again."""

from __future__ import annotations

import base64
import html
import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest
from redis import Redis

from tests.support.waiting import nothing_waits, wait_until
from worker.local.sandbox.faults import Break, Status
from worker.local.sandbox.server import Sandbox
from worker.local.up.embedded import EmbeddedPostgres, EmbeddedValkey
from worker.local.up.embedded.ports import next_free
from worker.local.up.parts import Part

PROJECT = 106
FIRST, LAST, NUMBER, ADDRESS, KEY = "Канаренко", "Zhovtoperko", "671239955", "kanarka.zhovta", "KZH-4471"
NAME = f"{FIRST} {LAST}"
AUTH_KEY, FLOWER_PASSWORD = "auth-zhovta-8812", "flower-zhovta-7734"
PERSON = [FIRST, LAST, NUMBER, ADDRESS]
DIRECTIONS = [{"type": "phone", "value": f"0{NUMBER}"}, {"type": "email", "value": f"{ADDRESS}@example.com"}]

TOML = """
origin = "CRM"
default_responsible = "1"
[[sources]]
name = "contacts"
method = "contacts"
query = "contacts.sql"
"""
CONTACTS = """
SELECT c.key, c.name AS "fullName", c.directions AS "contactDirections",
    CASE c.trap WHEN 'cast' THEN CAST(CAST(c.name AS int) AS text) WHEN 'raise' THEN crm.employee(c.name) END AS "staffId"
FROM crm.contacts c
"""
CRM = """
CREATE SCHEMA crm;
CREATE TABLE crm.contacts (key text PRIMARY KEY, name text, directions json, trap text);
CREATE FUNCTION crm.employee(name text) RETURNS text LANGUAGE plpgsql STABLE AS
    $$ BEGIN RAISE EXCEPTION 'nobody answers for %', name; END $$;
"""


@dataclass
class Job:
    """The real processes on servers of their own, and everything that others can see of them."""

    outbox: str
    crm: str
    redis: EmbeddedValkey
    sandbox: Sandbox
    folder: Path
    environment: dict[str, str]
    lines: dict[str, list[str]] = field(default_factory=dict)
    events: bytes = b""
    pages: dict[str, str] = field(default_factory=dict)
    metrics: str = ""

    @property
    def canaries(self) -> list[str]:
        """The person, the CRM's key of it, and every secret of the job."""
        return [*PERSON, KEY, *self.secrets]

    @property
    def secrets(self) -> list[str]:
        passwords = [urllib.parse.urlsplit(url).password for url in (self.outbox, self.redis.url())]
        return [AUTH_KEY, FLOWER_PASSWORD, *(password for password in passwords if password)]

    def sql(self, statement: str, *values: object, on_crm: bool = False) -> list[tuple]:
        with psycopg.connect(self.crm if on_crm else self.outbox, autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def say(self, part: str, line: str) -> None:
        self.lines.setdefault(part, []).append(line)

    def said(self, part: str) -> str:
        return "\n".join(self.lines.get(part, []))

    def person(self, case: str, *, name: str = NAME, directions: object = DIRECTIONS, trap: str | None = None) -> str:
        """Put somebody into the CRM; the key."""
        key = f"{KEY}-{case}"
        self.sql(
            "INSERT INTO crm.contacts VALUES (%s, %s, %s, %s)", key, name, json.dumps(directions), trap, on_crm=True
        )
        return key

    def change(self, key: str, payload: object = None) -> None:
        written = None if payload is None else json.dumps(payload)
        self.sql("INSERT INTO ringostat_sync.outbox (source, key, payload) VALUES ('contacts', %s, %s)", key, written)

    def arrives(self, key: str) -> None:
        wait_until(lambda: self.sandbox.book.contact(PROJECT, external_id=key), timeout=20, what=f"{key} to arrive")

    def is_buried(self, key: str, reason: str) -> None:
        found = "SELECT 1 FROM ringostat_sync.dead_letters WHERE key = %s AND reason = %s"
        wait_until(lambda: self.sql(found, key, reason), timeout=60, what=f"the dead letter of {key}: {reason}")

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = [sys.executable, "-P", "-m", "worker", *arguments]
        environment = {**os.environ, **self.environment}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    def get(self, page: str, *, password: bool = True) -> httpx.Response:
        auth = ("operator", FLOWER_PASSWORD) if password else None
        base = f"http://127.0.0.1:{self.environment['FLOWER_PORT']}"
        return httpx.get(base + page, auth=auth, timeout=20, trust_env=False)


def spellings(text: str) -> Iterator[bytes]:
    """How a text may stand in bytes: plain, escaped for JSON, for an address, for a page, for Python, or in base64."""
    for plain in {text.encode(), json.dumps(text)[1:-1].encode()}:
        yield plain
        for before in range(3):
            encoded = base64.b64encode(b"\0" * before + plain)
            yield encoded[-(-8 * before // 6) : 8 * (before + len(plain)) // 6]
    yield urllib.parse.quote(text).encode()
    yield html.escape(text).encode("ascii", "xmlcharrefreplace")
    yield repr(text.encode())[2:-1].encode()


def named(where: bytes | str, texts: list[str]) -> list[str]:
    """Which of the texts stand there, in whatever spelling."""
    held = where.encode() if isinstance(where, str) else where
    return [text for text in texts if any(spelling in held for spelling in spellings(text))]


@pytest.fixture(scope="module")
def job(
    postgres_server: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Job]:
    """The job after a person has gone every way that there is; its processes have ended."""
    folder = tmp_path_factory.mktemp("privacy")
    (folder / "sync.toml").write_text(TOML, encoding="utf-8")
    (folder / "contacts.sql").write_text(CONTACTS, encoding="utf-8")
    with ExitStack() as stack:
        with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE privacy_outbox TEMPLATE {template_database}".encode())
            connection.execute("CREATE DATABASE privacy_crm")
        sandbox = stack.enter_context(Sandbox(keys={PROJECT: AUTH_KEY}))
        redis = EmbeddedValkey(folder)
        stack.callback(redis.stop)
        environment = {
            "DATABASE_URL": postgres_server.url("privacy_outbox"),
            "CRM_DATABASE_URL": postgres_server.url("privacy_crm"),
            "REDIS_URL": redis.start(),
            "RINGOSTAT_PROJECT_ID": str(PROJECT),
            "RINGOSTAT_AUTH_KEY": AUTH_KEY,
            "RINGOSTAT_BASE_URL": sandbox.url,
            "RINGOSTAT_RATE_LIMIT": "100/s",
            "RINGOSTAT_BATCH_SIZE": "1",
            "RINGOSTAT_TIMEOUT": "2",
            "SYNC_LEASE": "4",
            "SYNC_COLLECT_INTERVAL": "1",
            "SYNC_MAX_ATTEMPTS": "2",
            "SYNC_RETRY_BASE": "0.1",
            "SYNC_CONFIG": str(folder / "sync.toml"),
            "SYNC_LOG_LEVEL": "debug",
            "FLOWER_PORT": str(next_free(25555)),
            "FLOWER_BASIC_AUTH": f"operator:{FLOWER_PASSWORD}",
        }
        urls = (environment["DATABASE_URL"], environment["CRM_DATABASE_URL"])
        made = Job(*urls, redis, sandbox, folder, environment)
        made.sql(CRM, on_crm=True)
        watcher = Redis.from_url(redis.url())
        stack.callback(watcher.close)
        everything = watcher.pubsub()
        everything.psubscribe("*")
        with ExitStack() as processes:
            for name, arguments in {
                "worker": ("worker", "--concurrency", "2"),
                "beat": ("beat",),
                "listen": ("listen",),
                "flower": ("flower", "--database", str(folder / "flower")),
            }.items():
                part = Part(name, arguments, environment, made.say)
                processes.callback(part.end)
                part.start()
            wait_until(lambda: sees_tasks(made), timeout=60, what="Flower to see the first task")
            go_every_way(made)
            look_at_flower(made)
        while message := everything.get_message(timeout=0.2):
            made.events += repr(message).encode()
        yield made


def sees_tasks(job: Job) -> bool:
    """Whether Flower has come up, and reads the events."""
    try:
        return bool(job.get("/api/tasks").json())
    except httpx.TransportError:  # it is still starting
        return False


def go_every_way(job: Job) -> None:
    """A person is accepted, refused, broken on, invalid, unreadable, and in every error's message."""
    fails_unforeseen(job)
    meets_a_replica_that_is_down(job)
    job.change(key := job.person("accepted"))
    job.arrives(key)
    job.change(key := f"{KEY}-payload", {"fullName": NAME, "contactDirections": DIRECTIONS})
    job.arrives(key)
    job.change(key := job.person("nameless", name=""))
    job.is_buried(key, "invalid")
    job.change(key := job.person("silent", directions=[{"type": "phone", "value": NAME}]))
    job.is_buried(key, "no_directions")
    job.change(key := job.person("cast", trap="cast"))
    job.is_buried(key, "mapping_error")
    come_in_numbers(job)
    is_echoed(job)
    breaks_the_mapping(job)
    wait_until(lambda: nothing_waits(job.sql), timeout=30, what="everything to settle")


def fails_unforeseen(job: Job) -> None:
    """PostgreSQL refuses to settle, with a message that quotes the row; nobody has foreseen it."""
    job.sql("ALTER TABLE ringostat_sync.dead_letters ADD CONSTRAINT no_room CHECK (payload IS NULL)")
    job.change(f"{KEY}-unforeseen", {"fullName": NAME, "contactDirections": []})
    wait_until(lambda: "task_failed" in job.said("worker"), timeout=30, what="the task to fail")
    job.sql("ALTER TABLE ringostat_sync.dead_letters DROP CONSTRAINT no_room")


def meets_a_replica_that_is_down(job: Job) -> None:
    job.sql("ALTER DATABASE privacy_crm ALLOW_CONNECTIONS false")
    job.sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'privacy_crm'")
    job.change(f"{KEY}-later", None)
    wait_until(lambda: "replica_unavailable" in job.said("worker"), timeout=20, what="the replica to be missed")
    job.sql("ALTER DATABASE privacy_crm ALLOW_CONNECTIONS true")


def come_in_numbers(job: Job) -> None:
    """Several batches of one round: the first is pushed by whoever has cut it, each of the others has a message of its own."""
    keys = [job.person(f"number-{number}") for number in range(4)]
    job.sql("INSERT INTO ringostat_sync.outbox (source, key) SELECT 'contacts', k FROM unnest(%s::text[]) AS k", keys)
    for key in keys:
        job.arrives(key)


def is_echoed(job: Job) -> None:
    """The API quotes the document in its answer's body and headers."""
    echo = json.dumps({"error": f"{NAME} {DIRECTIONS}"}, ensure_ascii=False)
    headers = {"X-Error": f"{LAST} {NUMBER} {ADDRESS}"}
    for status, reason in ((422, "refused"), (413, "too_large")):
        job.sandbox.faults.add(Status(status=status, body=echo, headers=headers))
        job.change(key := job.person(reason))
        job.is_buried(key, reason)
    # Attempts count only while the API accepts others.
    job.sandbox.faults.add(Status(status=500, body=echo, headers=headers))
    job.sandbox.faults.add(Break(field="externalId", contains="attempts"))
    job.change(key := job.person("attempts"))
    failed = "SELECT 1 FROM ringostat_sync.requests WHERE outcome = 'failed'"
    wait_until(lambda: job.sql(failed), timeout=20, what="the first try")
    job.change(other := job.person("between"))
    job.arrives(other)
    job.sql("UPDATE ringostat_sync.pending SET due_at = clock_timestamp() WHERE key = %s", key)
    job.is_buried(key, "attempts")


def breaks_the_mapping(job: Job) -> None:
    """The mapping's own function fails, and its message quotes the name."""
    job.change(key := job.person("broken", trap="raise"))
    job.is_buried(key, "mapping_error")
    job.sql("ALTER TABLE crm.contacts RENAME COLUMN trap TO was_trap", on_crm=True)
    job.change(other := job.person("waits"))
    paused = "SELECT 1 FROM ringostat_sync.pauses WHERE reason = 'mapping_broken'"
    wait_until(lambda: job.sql(paused), timeout=20, what="the pause")
    job.sql("ALTER TABLE crm.contacts RENAME COLUMN was_trap TO trap", on_crm=True)
    job.arrives(other)
    job.sql("UPDATE crm.contacts SET trap = NULL WHERE key = %s", key, on_crm=True)
    job.change(key)
    job.arrives(key)


TABLE = "/tasks/datatable?draw=1&start=0&length=5000&order[0][column]=0&columns[0][data]=received"
"""What the page of tasks shows."""


def look_at_flower(job: Job) -> None:
    """Every page, with each task's that matters, and the metrics."""

    def tasks() -> dict[str, dict[str, str]]:
        return job.get("/api/tasks?limit=5000").json()

    def knows_all() -> bool:
        found = {(task["name"], task["state"]) for task in tasks().values()}
        succeeded = {(task, "SUCCESS") for task in ("push", "collect", "sweep", "recover")}
        return succeeded | {("collect", "FAILURE")} <= found

    wait_until(knows_all, timeout=30, what="Flower to have seen every kind of task")
    workers = [f"/worker/{urllib.parse.quote(name)}" for name in job.get("/api/workers?refresh=1").json()]
    for page in workers:  # one that has not answered yet has none
        wait_until(lambda page=page: job.get(page).is_success, timeout=20, what=f"the page {page}")  # type: ignore[misc]
    pages = ["/workers", "/tasks", "/broker", "/api/tasks?limit=5000", "/api/workers?refresh=1", "/api/queues/length"]
    pages += [TABLE, *workers]
    shown = [uuid for uuid, task in tasks().items() if task["name"] in {"collect", "push"}]
    pages += [page for uuid in shown for page in (f"/task/{uuid}", f"/api/task/info/{uuid}")]
    job.pages = {page: job.get(page).raise_for_status().text for page in pages}
    job.metrics = job.get("/metrics", password=False).raise_for_status().text


def test_the_search_finds_what_is_there() -> None:
    """In whatever spelling: otherwise the tests below would prove nothing."""
    message = json.dumps({"body": base64.b64encode(json.dumps([[NAME]]).encode()).decode()})

    assert named(message, [FIRST, LAST, NUMBER]) == [FIRST, LAST]
    assert named(repr(NAME.encode()), [FIRST]) == [FIRST]
    assert named(urllib.parse.quote(NAME), [FIRST]) == [FIRST]


def test_logs_at_debug_level_hold_ids_only(job: Job) -> None:
    """Ours and the libraries', of every process."""
    said = "\n".join(job.said(part) for part in ("worker", "beat", "listen", "flower"))

    assert named(said, job.canaries) == []


@pytest.mark.parametrize(
    ("part", "logger"),
    [
        ("worker", "celery.worker.strategy"),
        ("worker", "sqlalchemy.engine.Engine"),
        ("beat", "celery.beat"),
        ("listen", "sqlalchemy.engine.Engine"),
    ],
)
def test_libraries_speak_at_debug_level(job: Job, part: str, logger: str) -> None:
    """An operator who looks for trouble hears them too; a log without them would hold no secret, and no help."""
    assert f'"logger": "{logger}"' in job.said(part)


def test_each_way_was_gone(job: Job) -> None:
    """The job's own lines say so."""
    said = job.said("worker")

    assert [
        event for event in ("task_failed", "replica_unavailable", "mapping_broken", "taken_back") if event not in said
    ] == []


def test_redis_holds_ids_only(job: Job) -> None:
    """Every key and value there is, and every command that wrote one since it was started."""
    with Redis.from_url(job.redis.url()) as redis:
        keys = list(redis.scan_iter())
        held = b" ".join([*keys, *(redis.dump(key) or b"" for key in keys)])
    written = b"".join(path.read_bytes() for path in (job.redis.room / "data").rglob("*") if path.is_file())

    assert named(held + written, job.canaries) == []
    assert named(written, ["ringostat-sync.push"]) == ["ringostat-sync.push"]


def test_celerys_events_hold_ids_only(job: Job) -> None:
    """Everything that was published, a task's arguments, result and failure among it."""
    assert named(job.events, job.canaries) == []
    assert named(job.events, ["task-failed", "task-succeeded"]) == ["task-failed", "task-succeeded"]


def test_flowers_pages_hold_ids_only(job: Job) -> None:
    """Its workers, tasks and broker, and each task's own page."""
    assert {page: names for page, text in job.pages.items() if (names := named(text, job.canaries))} == {}
    assert sum(page.startswith("/task/") for page in job.pages) > 10
    assert sum(page.startswith("/worker/") for page in job.pages) == 1


def test_flower_shows_in_red_what_was_refused(job: Job) -> None:
    """To Celery, the task that has settled a refusal is a success."""
    shown = [(str(task["result"]), task["state"]) for task in json.loads(job.pages[TABLE])["data"]]

    assert {state for result, state in shown if "'outcome': 'refused'" in result} == {"FAILURE"}
    assert {state for result, state in shown if "'outcome': 'accepted'" in result} == {"SUCCESS"}


def test_flowers_database_holds_ids_only(job: Job) -> None:
    """The file that outlives it."""
    kept = b"".join(path.read_bytes() for path in job.folder.glob("flower*"))

    assert named(kept, job.canaries) == []
    assert b"push" in kept


def test_metrics_hold_ids_only(job: Job) -> None:
    """They are shown without a password."""
    assert named(job.metrics, job.canaries) == []
    assert 'task="push"' in job.metrics


def test_the_embedded_databases_log_holds_ids_only(job: Job, postgres_server: EmbeddedPostgres) -> None:
    """PostgreSQL quotes values in the messages of failed statements; clients get them, its log does not."""
    said = postgres_server.log.read_bytes()

    assert named(said, job.canaries) == []
    assert b"ready to accept connections" in said


def test_the_listing_of_letters_holds_ids_and_reasons(job: Job) -> None:
    """The CRM's key stands in the listing, and there alone; the document is shown by `show`."""
    done = job.ask("dead-letters", "list", "--json")
    listed = json.loads(done.stdout)
    shown = job.ask(
        "dead-letters", "show", next(dead_letter["id"] for dead_letter in listed if dead_letter["reason"] == "refused")
    )

    assert {dead_letter["reason"] for dead_letter in listed} == {
        "invalid",
        "no_directions",
        "mapping_error",
        "refused",
        "too_large",
        "attempts",
    }
    assert named(done.stdout, [*PERSON, *job.secrets]) == []
    assert named(done.stderr, job.canaries) == []
    assert named(shown.stdout, PERSON) == PERSON
    assert named(shown.stderr, job.canaries) == []


@pytest.mark.parametrize(
    "command",
    [("status", "--json"), ("backfill", "contacts"), ("forget", "contacts", f"{KEY}-accepted")],
    ids=lambda c: c[0],
)
def test_commands_name_nobody(job: Job, command: tuple[str, ...]) -> None:
    """Neither on standard output nor in their logs."""
    done = job.ask(*command)

    assert named(done.stdout + done.stderr, job.canaries) == []
    assert '"logger": "sqlalchemy.engine.Engine"' in done.stderr
