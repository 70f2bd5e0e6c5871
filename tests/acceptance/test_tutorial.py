"""The tutorial, done as it is written: every block of it, in its order, in one shell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg
import pytest

from tests.support.waiting import wait_until
from worker.local.sandbox.server import Sandbox
from worker.local.up.embedded.ports import next_free

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
ADDRESS = "postgresql://crm:password@db.example.com/crm"
KEY_FILE = "/run/secrets/ringostat"
OURS = ("DATABASE_", "CRM_", "REDIS_", "RINGOSTAT_", "SYNC_", "SANDBOX_", "FLOWER_", "CONSOLE_")
DONE = "end-of-block"
BEFORE = {"Мельник Оксана", "Ковальчук Денис", "ТОВ «Обрій»"}
AFTER = {"Мельниченко Оксана", "Ковальчук Денис", "ТОВ «Новий обрій»"}


class Block(NamedTuple):
    """A fenced block. `kind` is `sh`, `sh up` for what stays running, `sql`, or `text` for what the block before it prints."""

    kind: str
    text: str


class Shell:
    """A shell that keeps its folder and its variables from block to block."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._log = folder / "up.log"
        self._sandbox = f"http://127.0.0.1:{environment['SANDBOX_PORT']}/_sandbox/contacts.json"
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, commands: str) -> str:
        """What the commands print; the first of them that fails fails the test."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        for command in commands.splitlines():
            self._process.stdin.write(f"{command}\necho {DONE} $?\n")
        self._process.stdin.flush()
        printed: list[str] = []
        for command in commands.splitlines():
            for line in self._process.stdout:
                if line.startswith(DONE):
                    assert line.split()[1] == "0", (command, "".join(printed))
                    break
                printed.append(line)
        return "".join(printed)

    def start(self, command: str) -> None:
        """Leave a command running, as in a terminal of its own, until `interrupt`."""
        self._log.write_text("")
        self.run(f"{command.strip()} >> {self._log} 2>&1 &")
        wait_until(lambda: "Ctrl-C stops all of it" in self._log.read_text(), timeout=60, what="`up` to be up")

    def interrupt(self) -> None:
        """Press Ctrl-C in that terminal."""
        self.run("kill -INT $! && wait $!")

    def shown(self) -> set[str]:
        """The names and companies on the sandbox's page."""
        contacts = httpx.get(self._sandbox, trust_env=False).json()["contacts"]
        companies = (company for contact in contacts for company in contact["organizations"] or ())
        return {str(contact["fullName"]) for contact in contacts} | {str(company["name"]) for company in companies}

    def close(self) -> None:
        self._process.communicate("kill -INT $! 2>/dev/null; wait\nexit\n", timeout=60)


@pytest.fixture
def shell(tmp_path: Path, ringostat: Sandbox) -> Iterator[Shell]:
    """A shell in an empty folder with the command on its PATH. The vendor's address is that of a server of the test's own."""
    command = tmp_path / "bin" / "ringostat-sync"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m worker "$@"\n')
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    ports = {"SANDBOX_PORT": 21085, "FLOWER_PORT": 21385, "CONSOLE_PORT": 21685}
    own = {
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "RINGOSTAT_BASE_URL": ringostat.url,
    }
    free = {name: str(next_free(first + os.getpid() % 100)) for name, first in ports.items()}
    running = Shell(tmp_path, kept | own | free)
    yield running
    running.close()


@pytest.fixture
def ringostat() -> Iterator[Sandbox]:
    """What the tutorial's last section sends to: it takes this project's key alone."""
    with Sandbox(keys={106: "the-real-key"}) as running:
        yield running


def blocks() -> list[Block]:
    found = re.findall(r"^```(sh up|sh|sql|text)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    return [Block(kind, text) for kind, text in found]


def test_the_tutorial_leads_to_the_telephone(
    shell: Shell, ringostat: Sandbox, empty_database_url: str, tmp_path: Path
) -> None:
    """Every command ends well, prints what the text says, and the contact is where the text says that it is."""
    key_file = tmp_path / "key"
    key_file.write_text("the-real-key\n")
    printed, ups = "", 0
    for block in blocks():
        text = block.text.replace(ADDRESS, empty_database_url).replace(KEY_FILE, str(key_file))
        if block.kind == "sh":
            printed = shell.run(text)
        elif block.kind == "sql":
            with psycopg.connect(empty_database_url, autocommit=True) as connection:
                connection.execute(text.encode())
        elif block.kind == "text":
            expected = set(text.replace("https://api.ringostat.net", ringostat.url).splitlines())
            assert expected <= set(printed.splitlines())
        else:
            if ups > 0:
                shell.interrupt()
            shell.start(text)
            ups += 1
        if "backfill contacts" in text and ups == 1:
            wait_until(lambda: shell.shown() == BEFORE, timeout=20, what="everybody to be on the page")
        if "UPDATE" in text:
            wait_until(lambda: shell.shown() == AFTER, timeout=20, what="the changes to be on the page")
            assert [*ringostat.requests] == [], "nothing is sent to Ringostat until the last section"

    assert ups == 2
    wait_until(lambda: len(ringostat.book.contacts(106)) == 2, timeout=20, what="both contacts to be in Ringostat")
    contact = ringostat.book.contact(106, external_id="1")
    assert contact is not None
    assert (contact["fullName"], contact["contactLink"]) == ("Мельниченко Оксана", "https://crm.example.com/contacts/1")
    assert ringostat.book.organization(106, "1") == {
        "projectId": 106,
        "origin": "My CRM",
        "externalId": "1",
        "name": "ТОВ «Новий обрій»",
    }
