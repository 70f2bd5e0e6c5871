"""The roles of docs/grants.sql: each can do its work, and no more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

import migrations
from tests.support.engine import CRM, PROJECT, Engine
from worker.capture import install
from worker.config.mapping import load_mapping
from worker.config.settings import load_settings

GRANTS = (Path(__file__).parents[3] / "docs" / "grants.sql").read_text(encoding="utf-8")
WATCH = 'watch = [{ table = "crm.contacts", key = "id" }]\n'


def as_role(url: str, role: str) -> str:
    return make_url(url).set(username=role, password="pass").render_as_string(hide_password=False)


@pytest.fixture
def granted(empty_database_url: str, make_engine: Callable[..., Engine]) -> Engine:
    """A CRM of its own role, taken in by one role and served by another."""
    with psycopg.connect(empty_database_url, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS crm_owner")
        owner.execute("CREATE ROLE crm_owner")
        owner.execute(CRM.encode())
        owner.execute("ALTER SCHEMA crm OWNER TO crm_owner")
        owner.execute("ALTER TABLE crm.contacts OWNER TO crm_owner; ALTER TABLE crm.companies OWNER TO crm_owner")
        for _ in range(2):
            owner.execute(GRANTS.encode())
        for role in ("ringostat_capture", "ringostat_worker"):
            owner.execute(f"ALTER ROLE {role} PASSWORD 'pass'".encode())
    capture = as_role(empty_database_url, "ringostat_capture")
    migrations.upgrade(capture)
    engine = make_engine(DATABASE_URL=as_role(empty_database_url, "ringostat_worker"))
    toml = engine.folder / "sync.toml"
    toml.write_text(toml.read_text().replace('query = "contacts.sql"\n', f'query = "contacts.sql"\n{WATCH}', 1))
    mapping = load_mapping(load_settings({**engine.environment, "DATABASE_URL": capture}), need_keys=False)
    with psycopg.connect(capture, autocommit=True) as connection:
        install(connection, mapping)
    return engine


def test_a_change_of_the_crm_reaches_the_api(granted: Engine, empty_database_url: str) -> None:
    """Its role knows nothing of us; capture, collection and push work with their own."""
    with psycopg.connect(empty_database_url) as crm:
        crm.execute("SET ROLE crm_owner")
        crm.execute("INSERT INTO crm.contacts (id, name, phone) VALUES (1, 'A', '0671112233')")
    granted.drain()

    assert granted.lane().sent == 1
    assert granted.lane().project == PROJECT


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE crm.contacts SET name = 'B'",
        "CREATE TABLE ringostat_sync.more ()",
        "ALTER TABLE crm.contacts DISABLE TRIGGER ALL",
    ],
)
def test_the_worker_changes_nothing_but_our_rows(granted: Engine, statement: str) -> None:
    """It reads the CRM, and that is all."""
    url = granted.environment["DATABASE_URL"]
    with psycopg.connect(url) as worker, pytest.raises(psycopg.errors.InsufficientPrivilege):
        worker.execute(statement.encode())
