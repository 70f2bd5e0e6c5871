"""The job without a listener, as it runs while that is started again: beat's sweeps find what there is to do."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import psycopg

from tests.support.waiting import wait_until
from worker.local.sandbox.server import Sandbox
from worker.local.up.parts import Part

PROJECT = 106
TOML = """
origin = "CRM"
default_responsible = "1"
[[sources]]
name = "contacts"
method = "contacts"
query = "contacts.sql"
"""
DOCUMENT = {"fullName": "Somebody", "contactDirections": [{"type": "phone", "value": "0671234567"}]}


def test_beat_wakes_the_collector_too(tmp_path: Path, database_url: str, redis_url: str) -> None:
    """With a worker and beat alone, a change arrives soon after SYNC_COLLECT_INTERVAL."""
    (tmp_path / "sync.toml").write_text(TOML)
    (tmp_path / "contacts.sql").write_text("SELECT 1 AS key")
    lines: list[str] = []
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox())
        environment = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "RINGOSTAT_PROJECT_ID": str(PROJECT),
            "RINGOSTAT_AUTH_KEY": "key",
            "RINGOSTAT_BASE_URL": sandbox.url,
            "SYNC_COLLECT_INTERVAL": "1",
            "SYNC_CONFIG": str(tmp_path / "sync.toml"),
        }
        connection = stack.enter_context(psycopg.connect(database_url, autocommit=True))
        for name, arguments in {"worker": ("worker", "--concurrency", "2"), "beat": ("beat",)}.items():
            part = Part(name, arguments, environment, lambda *said: lines.append(": ".join(said)))
            stack.callback(part.end)
            part.start()

        def arrives(key: str, timeout: float) -> None:
            connection.execute(
                "INSERT INTO ringostat_sync.outbox (source, key, payload) VALUES ('contacts', %s, %s)",
                [key, json.dumps(DOCUMENT)],
            )
            wait_until(
                lambda: sandbox.book.contact(PROJECT, external_id=key),
                timeout,
                what=f"contact {key} to arrive, after {lines[-5:]}",
            )

        arrives("1", timeout=60)  # the processes have to start
        arrives("2", timeout=10)
