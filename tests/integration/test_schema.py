"""The schema: migrations, models, and what the database refuses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

import migrations
from models import SCHEMA
from models.tables import Base


def test_the_models_equal_the_migrated_schema(database_url: str) -> None:
    """Alembic finds no difference between the models and the database."""
    options = {
        "include_schemas": True,
        "version_table_schema": SCHEMA,
        "include_name": lambda name, kind, _: name == SCHEMA if kind == "schema" else True,
    }
    engine = create_engine(make_url(database_url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    engine.dispose()

    assert differences == []


def test_migrations_run_twice_and_at_once(empty_database_url: str) -> None:
    """Two at a time and one after: each ends well."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(migrations.upgrade, [empty_database_url] * 2))
    migrations.upgrade(empty_database_url)

    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT count(*) FROM ringostat_sync.alembic_version").fetchone() == (1,)


IN_THE_MIDDLE = """
    INSERT INTO ringostat_sync.batches (project, method, size) VALUES (1, 'contacts', 3), (1, 'contacts', 1);
    INSERT INTO ringostat_sync.in_flight
        (project, method, identity, key, batch_id, place, part, source, outbox_id, priority, attempts, losses, forced, captured_at)
    SELECT 1, 'contacts', 'externalId', key, batch, place, part, 'contacts', 1, 0, 0, 0, false, now()
    FROM (VALUES ('a', 1, 0, 0), ('b', 1, 1, 0), ('c', 1, 2, 2), ('d', 2, 0, 0)) AS f (key, batch, place, part);
    INSERT INTO ringostat_sync.held_ids (project, method, kind, wire_id, batch_id, place)
    VALUES (1, 'contacts', 'externalId', 'c', 1, 2), (1, 'contacts', 'externalId', 'd', 2, 0);
"""
AFTERWARDS = """
    SELECT f.key, p.key, h.wire_id FROM ringostat_sync.in_flight AS f
    LEFT JOIN ringostat_sync.in_flight AS p ON p.place = f.part
    LEFT JOIN ringostat_sync.held_ids AS h ON h.place = f.place
    ORDER BY f.place
"""


def test_a_migration_takes_batches_along_that_are_under_way(empty_database_url: str) -> None:
    """Places become unique over all batches: order, parts and held ids stay those of their contacts, and new places follow."""
    migrations.upgrade(empty_database_url, "0003")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(IN_THE_MIDDLE.encode())
    migrations.upgrade(empty_database_url)

    with psycopg.connect(empty_database_url) as connection:
        found = connection.execute(AFTERWARDS).fetchall()
        assert found == [("a", None, None), ("b", None, None), ("c", "c", "c"), ("d", None, "d")]

        last = connection.execute("SELECT max(place) FROM ringostat_sync.in_flight").fetchone()
        connection.execute(IN_FLIGHT.encode())
        new = connection.execute("SELECT place FROM ringostat_sync.in_flight WHERE key = '1'").fetchone()
        assert None not in (new, last)
        assert new > last


BATCH = "INSERT INTO ringostat_sync.batches (project, method, size) VALUES (1, 'contacts', 1);"
IN_FLIGHT = """
    INSERT INTO ringostat_sync.in_flight
        (project, method, identity, key, batch_id, source, outbox_id, priority, attempts, losses, forced, captured_at)
    SELECT 1, 'contacts', 'externalId', '1', max(id), 'contacts', 1, 0, 0, 0, false, now() FROM ringostat_sync.batches;
"""
PENDING = """
    INSERT INTO ringostat_sync.pending (project, method, identity, key, source, outbox_id, captured_at)
    VALUES (1, 'contacts', 'externalId', '1', 'contacts', 1, now());
"""
HELD = """
    INSERT INTO ringostat_sync.held_ids (project, method, kind, wire_id, place) VALUES (1, 'contacts', 'leadId', 'L1', 1);
"""
LETTER = """
    INSERT INTO ringostat_sync.dead_letters (project, method, identity, key, source, outbox_id, reason, detail, attempts, state)
    VALUES (1, 'contacts', 'externalId', '1', 'contacts', 1, 'refused', '', 0, '{}');
"""


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ringostat_sync.batches (project, method, size, state) VALUES (1, 'contacts', 1, 'pushing')",
        "INSERT INTO ringostat_sync.batches (project, method, size, state) VALUES (1, 'contacts', 1, 'postponed')",
        "INSERT INTO ringostat_sync.batches (project, method, size, lease_until) VALUES (1, 'contacts', 1, now())",
        "INSERT INTO ringostat_sync.batches (project, method, size, due_at) VALUES (1, 'contacts', 1, now())",
        PENDING + "UPDATE ringostat_sync.pending SET priority = 3",
        PENDING + "UPDATE ringostat_sync.pending SET attempts = -1",
        "INSERT INTO ringostat_sync.pauses (project, reason, detail) VALUES (1, 'api_down', '')",
        "INSERT INTO ringostat_sync.pauses (project, reason, detail, until) VALUES (1, 'by_hand', '', now())",
        LETTER.format("closed"),
        LETTER.format("open") + "UPDATE ringostat_sync.dead_letters SET closed_at = now()",
    ],
)
def test_the_database_refuses_nonsense(database_url: str, statement: str) -> None:
    """States that can't be are refused by a CHECK."""
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        BATCH + IN_FLIGHT + BATCH + IN_FLIGHT,
        PENDING + PENDING,
        HELD + HELD,
        LETTER.format("open") + LETTER.format("requeued"),
    ],
    ids=["a contact in flight", "a contact that waits", "an id on the wire", "a living letter"],
)
def test_the_database_refuses_a_second(database_url: str, statement: str) -> None:
    """What there may be only one of is one by a unique index, whatever the code does."""
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(statement.encode())


def test_a_change_of_nobody_is_refused(database_url: str) -> None:
    """A producer's row without a key would name no contact."""
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.NotNullViolation):
        connection.execute("INSERT INTO ringostat_sync.outbox (source, key) VALUES ('contacts', NULL)")


def test_a_producer_needs_source_and_key_only(database_url: str) -> None:
    """The INSERT that the interface promises, with and without a payload."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO ringostat_sync.outbox (source, key, payload) VALUES ('contacts', '1', NULL), ('contacts', '2', '{}')"
        )

        assert connection.execute("SELECT key FROM ringostat_sync.outbox ORDER BY id").fetchall() == [("1",), ("2",)]
