"""The engine on a real PostgreSQL and Redis, with a small CRM of its own and the sandbox as the API; Celery is left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from models import PauseReason
from tests.support.waiting import nothing_waits, wait_until
from worker.api.outcome import Outcome
from worker.assembly import Assembly
from worker.backfill.backfill import Backfill
from worker.config.mapping import load_mapping
from worker.config.model import Project
from worker.config.policy import Policy
from worker.config.settings import load_settings
from worker.local.sandbox.server import Sandbox
from worker.operate.status import LaneStatus, read_status
from worker.projects import health, pauses

PROJECT = 106

CRM = """
CREATE SCHEMA crm;
CREATE TABLE crm.companies (id bigint PRIMARY KEY, name text);
CREATE TABLE crm.contacts (id bigint PRIMARY KEY, name text, phone text, lead text, hidden boolean NOT NULL DEFAULT false);
"""
CONTACTS = """
SELECT c.id AS key, c.name AS "fullName", c.lead AS "leadId",
    json_build_array(json_build_object('type', 'phone', 'name', 'work', 'value', c.phone)) AS "contactDirections"
FROM crm.contacts c WHERE NOT c.hidden; -- everybody
"""
LEADS = """
SELECT c.lead AS key, 'Lead ' || c.name AS "fullName",
    json_build_array(json_build_object('type', 'phone', 'name', 'work', 'value', c.phone)) AS "contactDirections"
FROM crm.contacts c WHERE c.lead IS NOT NULL
"""
DIRECTIONS = [{"type": "phone", "name": "work", "value": "0671234567"}]
"""What a payload needs besides its name."""
COMPANIES = "SELECT id AS key, name FROM crm.companies"
TOML = """
origin = "CRM"
default_responsible = "1"
[[sources]]
name = "contacts"
method = "contacts"
query = "contacts.sql"
[[sources]]
name = "leads"
method = "contacts"
identity = "leadId"
query = "leads.sql"
[[sources]]
name = "companies"
method = "organizations"
query = "companies.sql"
"""


def document(name: str, **more: object) -> dict[str, object]:
    """A payload."""
    return {"fullName": name, "contactDirections": DIRECTIONS, **more}


@dataclass
class Engine:
    """Change something, drain, and see what came of it."""

    database_url: str
    wiring: Assembly
    sandbox: Sandbox
    folder: Path
    environment: dict[str, str]

    def sql(self, statement: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def contacts(self, first: int, last: int, name: str = "Name") -> None:
        """Put contacts into the CRM, or rename them."""
        self.sql(
            "INSERT INTO crm.contacts (id, name, phone) SELECT g, %s || ' ' || g, '067' || lpad(g::text, 7, '0')"
            " FROM generate_series(%s::int, %s::int) g ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            name,
            first,
            last,
        )

    def change(self, *keys: object, source: str = "contacts") -> None:
        """Put changes into the outbox, in one transaction."""
        self.sql(
            "INSERT INTO ringostat_sync.outbox (source, key) SELECT %s, k FROM unnest(%s::text[]) WITH ORDINALITY u (k, n)"
            " ORDER BY n",
            source,
            [str(key) for key in keys],
        )

    def collect(self) -> list[int]:
        found = self.wiring.collector.round(PROJECT).messages
        return [batch for message in found for group in message for batch in group]

    def push(self) -> int:
        """One round, and every batch of it."""
        batches = self.collect()
        for batch in batches:
            self.wiring.pusher.push(batch)
        return len(batches)

    def drain(self, timeout: float = 15) -> None:
        """Rounds until nothing waits."""

        def quiet() -> bool:
            self.push()
            return nothing_waits(self.sql)

        wait_until(quiet, timeout=timeout, what="the queue to drain")

    def lane(self, method: str = "contacts") -> LaneStatus:
        with self.wiring.engine.connect() as connection:
            return next(lane for lane in read_status(connection, self.wiring.mapping) if lane.method == method)

    def outcomes(self) -> list[str]:
        return [row[0] for row in self.sql("SELECT outcome FROM ringostat_sync.requests ORDER BY id")]

    def payload(self, key: object, document: object, *, source: str = "contacts", outbox_id: int | None = None) -> None:
        """Put a producer's own document into the outbox, under an id of its own where given."""
        self.sql(
            "INSERT INTO ringostat_sync.outbox (source, key, payload, id)"
            " OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, coalesce(%s, nextval(pg_get_serial_sequence('ringostat_sync.outbox', 'id'))))",
            source,
            str(key),
            json.dumps(document),
            outbox_id,
        )

    def waiting(self) -> dict[str, Any]:
        """The contacts that wait, by key."""
        with psycopg.connect(self.database_url, row_factory=namedtuple_row) as connection:
            rows = connection.execute("SELECT *, due_at > clock_timestamp() AS later FROM ringostat_sync.pending")
            return {row.key: row for row in rows}

    def due_now(self) -> None:
        """Let the time pass until every try is due."""
        self.sql("UPDATE ringostat_sync.pending SET due_at = clock_timestamp() WHERE due_at IS NOT NULL")

    def throttle(self, seconds: float = 60.0) -> None:
        """The API asks for a rest, by default a minute's: longer than any push waits inside its slot."""
        with self.wiring.engine.begin() as connection:
            health.throttle(connection, PROJECT, seconds)
        self.wiring.limiter.throttle(self.project, seconds)

    def end_throttle(self) -> None:
        """Let that minute pass: whoever waited for its end is due."""
        self.sql("UPDATE ringostat_sync.service_health SET throttled_until = NULL")
        self.due_now()
        self.sql("UPDATE ringostat_sync.batches SET due_at = clock_timestamp() WHERE due_at IS NOT NULL")

    def after_each_request(self, act: Callable[[int], None]) -> None:
        """Let something happen once the API has answered, before anybody hears of it; `act` gets the number of the request."""
        post, numbers = self.wiring.pusher.sender.client.post, count(1)

        def posting(*arguments: Any) -> Outcome:
            number = next(numbers)
            outcome = post(*arguments)
            act(number)
            return outcome

        self.wiring.pusher.sender.client.post = posting  # type: ignore[method-assign]

    def after_first_request(self, act: Callable[[], object]) -> None:
        """The same, but for the first alone: its contacts are still in flight."""
        self.after_each_request(lambda number: act() if number == 1 else None)

    def fail(self, requests: int) -> None:
        """Let so many requests go out, whatever is due when."""
        for _ in range(requests):
            self.due_now()
            self.push()

    def pause(self, reason: str = "by_hand", seconds: float = 60.0) -> None:
        """Pause the project; but by hand, its probe is due in so many seconds."""
        with self.wiring.engine.begin() as connection:
            if reason == PauseReason.BY_HAND:
                pauses.pause_by_hand(connection, PROJECT, "test")
            else:
                pauses.pause_for(connection, PROJECT, PauseReason(reason), "test", Policy(retry_base=seconds / 5))

    def resume(self) -> bool:
        with self.wiring.engine.begin() as connection:
            ended = pauses.resume(connection, PROJECT)
            return ended.pause or ended.throttle

    def backfill(self, source: str = "contacts", **options: Any) -> list[int]:
        """Put every key into the queue; the progress."""
        return list(
            Backfill(
                self.wiring.engine, self.wiring.crm, self.wiring.mapping, self.wiring.mapping.sources[source], **options
            ).run()
        )

    def probe_now(self) -> None:
        """Let the time pass until the pause's probe may go out."""
        self.due_now()
        self.sql("UPDATE ringostat_sync.pauses SET until = clock_timestamp() WHERE until IS NOT NULL")

    def posted(self) -> list[list[str | None]]:
        """The external ids of every request that the API has seen, in order."""
        return [[external for external, _ in request.ids] for request in self.sandbox.requests]

    def history(self, key: object) -> list[str]:
        """The names that the API accepted for a contact, in order."""
        return [str(state["fullName"]) for state in self.sandbox.book.history(PROJECT, external_id=str(key))]

    def remap(self, more: str, **queries: str) -> None:
        """Add to `sync.toml`, and write queries by the names of their files; before the engine is used.

        New sources come first: of those of one kind, the first that returns a key has its document.
        """
        for name, query in queries.items():
            (self.folder / f"{name}.sql").write_text(query, encoding="utf-8")
        toml = self.folder / "sync.toml"
        head, sources, rest = toml.read_text(encoding="utf-8").partition("[[sources]]")
        new_first = more.strip().startswith("[[sources]]")
        toml.write_text(
            head + more + "\n" + sources + rest if new_first else head + sources + rest + more, encoding="utf-8"
        )
        self.wiring.mapping = load_mapping(self.wiring.settings, need_keys=True)

    @property
    def project(self) -> Project:
        return self.wiring.mapping.projects[PROJECT]

    def entries_read(self, *tables: str) -> int:
        """Entries read in the indexes of these tables of ours (of all) so far, dead ones too, and rows read without an index.

        It is what work costs, however busy the machine is. A session tells its counts at its end, and is no longer listed when it has.
        """
        self.wiring.engine.dispose()
        self.wiring.crm.dispose()
        others = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'"
        wait_until(lambda: not self.sql(others), what="the engine's sessions to end")
        counted = (
            "SELECT sum(read) FROM (SELECT schemaname, relname, idx_tup_read AS read FROM pg_stat_user_indexes"
            " UNION ALL SELECT schemaname, relname, seq_tup_read FROM pg_stat_user_tables) AS reads"
            " WHERE schemaname = 'ringostat_sync' AND (relname = ANY(%s) OR %s)"
        )
        return int(self.sql(counted, list(tables), not tables)[0][0])

    def close(self) -> None:
        self.wiring.pusher.sender.client.close()
        self.wiring.engine.dispose()
        self.wiring.crm.dispose()

    def dead_letters(self) -> list[tuple[str, str]]:
        return self.sql(
            "SELECT key, reason::text FROM ringostat_sync.dead_letters WHERE state = 'open' ORDER BY key::int"
        )

    def names(self) -> dict[str, str]:
        """Full names by external id, as the API holds them."""
        rows = self.sandbox_json("contacts")
        return {row["externalId"]: row["fullName"] for row in rows if row["externalId"]}

    def sandbox_json(self, kind: str) -> list[dict[str, Any]]:
        import httpx  # noqa: PLC0415 - only here

        return httpx.get(f"{self.sandbox.url}/_sandbox/{kind}.json?limit=1000000", trust_env=False).json()[kind]


def build(database_url: str, redis_url: str, folder: Path, sandbox: Sandbox, **settings: str) -> Engine:
    """An engine with its CRM; `settings` replace the environment's."""
    for name, text in (
        ("sync.toml", TOML),
        ("contacts.sql", CONTACTS),
        ("leads.sql", LEADS),
        ("companies.sql", COMPANIES),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(CRM.encode())
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "RINGOSTAT_PROJECT_ID": str(PROJECT),
        "RINGOSTAT_AUTH_KEY": "key",
        "RINGOSTAT_BASE_URL": sandbox.url,
        "RINGOSTAT_RATE_LIMIT": "1000/s",
        "RINGOSTAT_TIMEOUT": "1",
        "SYNC_RETRY_BASE": "0.02",
        "SYNC_RETRY_MAX": "0.1",
        "SYNC_CONFIG": str(folder / "sync.toml"),
    }
    environment |= settings
    return Engine(database_url, Assembly.of(load_settings(environment)), sandbox, folder, environment)
