"""The installed command as a person runs it: `up` in an empty folder, with real signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from tests.support.waiting import nothing_waits, wait_until
from worker.local.up.embedded.ports import next_free

APART = os.getpid() % 100
"""Two runs of these tests, side by side on one machine, don't look for the same port at the same moment."""
COMMAND = [sys.executable, "-P", "-m", "worker"]

RENAMED = """
SELECT id::text FROM crm.contacts WHERE NOT hidden AND last_name = 'Живучий' AND id::text NOT IN (
    SELECT key FROM ringostat_sync.dead_letters WHERE source = 'contacts' AND state = 'open'
)
"""
"""Those who have to be on the telephone under their new name."""


class Up:
    """A running `up` in a folder of its own, with addresses read from what it prints."""

    def __init__(self, folder: Path, first_port: int) -> None:
        self.folder = folder
        self.log = folder / "up.log"
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("RINGOSTAT_", "SYNC_"))
        } | {
            "SANDBOX_PORT": str(next_free(first_port + APART)),
            "FLOWER_PORT": str(next_free(first_port + 300 + APART)),
            "SYNC_LEASE": "6",
            "RINGOSTAT_TIMEOUT": "3",
            "SYNC_COLLECT_INTERVAL": "1",
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen([*COMMAND, "up"], cwd=folder, env=self.environment, stdout=log, stderr=log)
        self.sandbox = f"http://127.0.0.1:{self.environment['SANDBOX_PORT']}"

    def wait(self) -> None:
        """Until everything is up; from then on `database` is known."""
        wait_until(lambda: "Ctrl-C stops all of it" in self.log.read_text(), timeout=90, what="the addresses")
        self.database = re.search(r"postgresql://\S+", self.log.read_text()).group()

    def ask(self, *arguments: str) -> str:
        """Run a command against what `up` has brought along."""
        redis = (self.folder / ".ringostat-sync" / "valkey" / "password").read_text().strip()
        port = (self.folder / ".ringostat-sync" / "valkey" / "port").read_text().strip()
        more = {
            "DATABASE_URL": self.database,
            "REDIS_URL": f"redis://:{redis}@127.0.0.1:{port}",
            "RINGOSTAT_PROJECT_ID": "106",
            "SYNC_CONFIG": str(Path(__file__).parents[2] / "worker" / "local" / "demo" / "mapping" / "sync.toml"),
        }
        done = subprocess.run(
            [*COMMAND, *arguments], env=self.environment | more, capture_output=True, text=True, check=True
        )
        return done.stdout

    def sql(self, statement: str) -> list[tuple]:
        with psycopg.connect(self.database, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def contacts(self) -> list[dict[str, str | None]]:
        """What the contact book holds."""
        try:
            answer = httpx.get(f"{self.sandbox}/_sandbox/contacts.json?limit=100000", trust_env=False)
        except httpx.ConnectError:  # it is still starting
            return []
        return answer.json()["contacts"]

    def names(self) -> list[str]:
        return [str(contact["fullName"]) for contact in self.contacts()]

    def workers(self) -> list[psutil.Process]:
        """The worker and its children."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            if process.cmdline()[-1:] == ["worker"]:
                return [process, *process.children()]
        return []

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One `up` for all tests of this file: it is what takes the time."""
    running = Up(tmp_path_factory.mktemp("up"), 18085)
    try:
        running.wait()
        yield running
    finally:
        running.stop()


def test_the_demo_fills_the_telephone(up: Up) -> None:
    """A new user sees contacts within a minute of typing one command."""
    wait_until(lambda: len(up.names()) > 150, timeout=60, what="the contact book to fill")


def test_the_printed_rename_arrives(up: Up) -> None:
    """It can be pasted as it stands."""
    up.sql(re.search(r"UPDATE crm\.contacts .*;", up.log.read_text()).group())

    wait_until(lambda: any("Новенко" in name for name in up.names()), timeout=20, what="the new name")


def test_a_changed_row_arrives(up: Up) -> None:
    """A row changed with SQL is on the telephone soon after."""
    up.sql(
        "UPDATE crm.contacts SET last_name = 'Перевірковий', hidden = false WHERE id = (SELECT max(id) FROM crm.contacts)"
    )

    wait_until(lambda: any("Перевірковий" in name for name in up.names()), timeout=20, what="the new name")


def test_status_answers_in_json(up: Up) -> None:
    """Standard output holds JSON alone, with the fields that scripts rely on."""
    lanes = json.loads(up.ask("status", "--json"))["projects"]

    assert [lane["method"] for lane in lanes] == ["organizations", "contacts"]
    fields = "project method pending in_flight oldest_pending_s sent unchanged absent dead paused requests_last_minute"
    assert set(lanes[0]) >= set(fields.split())


def test_a_refused_contact_is_fixed_and_its_letter_closes(up: Up) -> None:
    """Refused, listed as a dead letter, corrected in the CRM, sent; the dead letter closes by itself."""
    rule = {"kind": "refuse", "field": "fullName", "contains": "Отруйний"}
    httpx.post(f"{up.sandbox}/_sandbox/faults", json=rule, trust_env=False).raise_for_status()
    [(key,)] = up.sql(
        "SELECT min(contact_id) FROM crm.phones p JOIN crm.contacts c ON c.id = contact_id WHERE NOT hidden AND kind <> 'fax'"
    )
    up.sql(f"UPDATE crm.contacts SET last_name = 'Отруйний' WHERE id = {key}")

    def dead_letters() -> list[str]:
        found = json.loads(up.ask("dead-letters", "list", "--json", "--reason", "refused"))
        return [dead_letter["key"] for dead_letter in found]

    wait_until(lambda: dead_letters() == [str(key)], timeout=30, every=0.5, what="the dead letter")
    up.sql(f"UPDATE crm.contacts SET last_name = 'Здоровий' WHERE id = {key}")
    wait_until(lambda: dead_letters() == [], timeout=30, every=0.5, what="the dead letter to close")
    httpx.delete(f"{up.sandbox}/_sandbox/faults", trust_env=False)


def test_a_killed_worker_loses_nothing(up: Up) -> None:
    """`kill -9` of the worker and its children in the middle of pushing: every contact arrives all the same."""
    httpx.post(f"{up.sandbox}/_sandbox/faults", json={"kind": "latency", "ms": 300}, trust_env=False).raise_for_status()
    up.sql("UPDATE crm.contacts SET last_name = 'Живучий' WHERE NOT hidden")
    wait_until(lambda: up.sql("SELECT 1 FROM ringostat_sync.batches WHERE posted"), timeout=20, what="a push under way")
    killed = up.workers()
    for process in killed:
        process.kill()
    assert len(killed) > 1

    def missing() -> set[str]:
        awaited = {key for (key,) in up.sql(RENAMED)}
        return awaited - {
            str(contact["externalId"]) for contact in up.contacts() if "Живучий" in str(contact["fullName"])
        }

    wait_until(lambda: nothing_waits(up.sql) and not missing(), timeout=90, every=0.2, what="everybody to arrive")
    assert len(up.sql(RENAMED)) > 100
    httpx.delete(f"{up.sandbox}/_sandbox/faults", trust_env=False)


def test_flower_asks_for_a_password(up: Up) -> None:
    """The page of the job is closed to whoever has none."""
    page = f"http://127.0.0.1:{up.environment['FLOWER_PORT']}/"

    def closed() -> bool:
        try:
            return httpx.get(page, trust_env=False).status_code == 401
        except httpx.ConnectError:  # it is still starting
            return False

    wait_until(closed, timeout=30, what="Flower")


def test_ctrl_c_stops_all_of_it(up: Up) -> None:
    """After SIGINT no process of the tree is left."""
    tree = psutil.Process(up.process.pid).children(recursive=True)
    up.stop()

    assert up.process.returncode == 0
    wait_until(lambda: not any(process.is_running() for process in tree), timeout=10, what="the tree to end")


def test_the_last_words_are_ours(up: Up) -> None:
    """Celery's, that another Ctrl-C would terminate all running tasks, are not said: nothing is lost."""
    up.stop()
    said = up.log.read_text()

    assert "Hitting" not in said
    assert said.endswith("Everything is down.\n")
