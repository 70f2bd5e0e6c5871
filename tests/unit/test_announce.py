"""What `up` tells of itself: where to look, and what to paste."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.config.settings import load_settings
from worker.local.up import up
from worker.local.up.embedded import EmbeddedPostgres
from worker.local.up.servers import Surroundings
from worker.local.up.up import NO_KEY, told

DATABASE = "postgresql://postgres:secret@127.0.0.1:15432/crm"
SANDBOX = "http://127.0.0.1:8085"


def surroundings(tmp_path: Path, *, key: bool = False, demo: bool = True) -> Surroundings:
    """Where nothing was given, or a key; an embedded PostgreSQL that need not run."""
    brought = {"DATABASE_URL": DATABASE}
    if demo:
        brought |= {"SYNC_CONFIG": "/a folder/sync.toml", "RINGOSTAT_PROJECT_ID": "106"}
    if not key:
        brought |= {"RINGOSTAT_BASE_URL": SANDBOX}
    settings = load_settings({**brought, "FLOWER_BASIC_AUTH": "ringostat:flower"})
    return Surroundings(settings, brought, not key, demo, EmbeddedPostgres(tmp_path))


@pytest.mark.parametrize("demo", [True, False], ids=["demo", "a mapping"])
def test_without_a_key_nothing_goes_to_ringostat(tmp_path: Path, demo: bool) -> None:
    """And it is said, before anything else."""
    assert told(surroundings(tmp_path, demo=demo))[0] == NO_KEY


def test_with_a_key_nobody_speaks_of_a_sandbox(tmp_path: Path) -> None:
    """What is sent goes to Ringostat."""
    assert not any("sandbox" in line for line in told(surroundings(tmp_path, key=True, demo=False)))


def test_what_other_commands_ask_for_can_be_pasted(tmp_path: Path) -> None:
    """Quoted for the shell; only what `up` has added. `contact` asks what the sandbox has accepted, so its address is there."""
    [line] = [line for line in told(surroundings(tmp_path)) if "export" in line]
    project = f"RINGOSTAT_PROJECT_ID=106 RINGOSTAT_BASE_URL={SANDBOX}"

    assert line.endswith(f"export DATABASE_URL={DATABASE} SYNC_CONFIG='/a folder/sync.toml' {project}")


def test_the_rename_is_a_statement(tmp_path: Path) -> None:
    """Of the column that the demo has, and of somebody who is on the telephone."""
    [line] = [line for line in told(surroundings(tmp_path)) if "Change a name" in line]

    assert "UPDATE crm.contacts SET last_name = 'Новенко' WHERE id = (SELECT min(id)" in line
    assert line.endswith("WHERE NOT hidden);")


@pytest.mark.parametrize(("found", "named"), [("/usr/bin/psql", "psql"), (None, "/bin/psql")])
def test_a_machine_without_psql_has_the_embedded_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: str | None, named: str
) -> None:
    """By its whole path where PATH has none."""
    monkeypatch.setattr(up.shutil, "which", lambda _: found)
    [line] = [line for line in told(surroundings(tmp_path)) if "database  " in line]

    assert f"{named} {DATABASE}" in line
