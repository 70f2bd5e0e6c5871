"""A standby of the outbox's server is read once it has what was captured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.support.engine import PROJECT, Engine
from tests.support.other_postgres import follow, standby_of
from worker import capture
from worker.database.connect import capture_session
from worker.database.place import Place
from worker.local.up.embedded import EmbeddedPostgres
from worker.reconcile.polled import is_polled

WATCHED = """[[sources]]
name = "watched"
method = "contacts"
query = "contacts.sql"
watch = [
    { table = "crm.contacts", key = "id" },
    { table = "crm.companies", keys = "SELECT c.id FROM crm.contacts c WHERE c.lead = changed.name" },
]
"""
Session = psycopg.Connection[Any]


@pytest.fixture
def standby(postgres_server: EmbeddedPostgres, database_url: str) -> Iterator[Session]:
    """A session on a standby of the outbox's database."""
    with standby_of(postgres_server) as server:
        name = str(conninfo_to_dict(database_url)["dbname"])
        with psycopg.connect(server.url(name), autocommit=True) as session:
            yield session


@pytest.fixture
def reading(make_engine: Callable[..., Engine], standby: Session) -> Engine:
    """The engine with triggers on the main server, reading on the standby."""
    info = standby.info
    url = f"postgresql://{info.user}:{info.password}@{info.host}:{info.port}/{info.dbname}"
    engine = make_engine(CRM_DATABASE_URL=url)
    engine.remap(WATCHED)
    engine.contacts(1, 2)
    with capture_session(engine.database_url) as session:
        capture.install(session, engine.wiring.mapping)
    return engine


def go_on(engine: Engine, standby: Session) -> None:
    """Have the standby go on, and wait until it has all that the main server has."""
    standby.execute("SELECT pg_wal_replay_resume()")
    follow(engine.database_url, engine.environment["CRM_DATABASE_URL"])


def test_a_change_is_read_as_it_was_captured(reading: Engine, standby: Session) -> None:
    """Nothing is settled on an older row: what can't be read yet waits, and costs no attempt."""
    reading.contacts(1, 2, "New")
    reading.drain()
    standby.execute("SELECT pg_wal_replay_pause()")
    reading.contacts(1, 2, "Newer")
    reading.push()

    assert {row.attempts for row in reading.waiting().values()} == {0}
    assert reading.lane().unchanged == 0

    go_on(reading, standby)
    reading.due_now()
    reading.drain()
    assert reading.history(1) == ["New 1", "Newer 1"]


def test_a_fan_out_waits_as_well(reading: Engine, standby: Session) -> None:
    """Whom a changed row concerns is found out once the standby knows of it."""
    reading.drain()
    standby.execute("SELECT pg_wal_replay_pause()")
    reading.sql("UPDATE crm.contacts SET lead = 'Late' WHERE id = 2")
    reading.sql("DELETE FROM ringostat_sync.outbox")
    reading.sql("INSERT INTO crm.companies VALUES (1, 'Late')")
    reading.collect()

    assert reading.wiring.fan_out.run(PROJECT) == 0
    go_on(reading, standby)
    assert reading.wiring.fan_out.run(PROJECT) == 1
    assert list(reading.waiting()) == ["2"]


def test_a_watched_standby_is_not_polled(reading: Engine) -> None:
    """Triggers tell of every change; without any, the standby is read as a whole."""
    place = reading.wiring.place_of_crm

    assert place() is Place.STANDBY
    assert not is_polled(reading.wiring.engine, place)

    with capture_session(reading.database_url) as session:
        capture.remove(session)
    assert is_polled(reading.wiring.engine, place)
