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
from models import SCHEMA, Base


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


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ringostat_sync.outbox (source) VALUES ('contacts')",
        "INSERT INTO ringostat_sync.batches (project, method, size, state) VALUES (1, 'contacts', 1, 'pushing')",
        "INSERT INTO ringostat_sync.pauses (project, reason, detail) VALUES (1, 'api_down', '')",
        "INSERT INTO ringostat_sync.pauses (project, reason, detail, until) VALUES (1, 'by_hand', '', now())",
    ],
)
def test_the_database_refuses_nonsense(database_url: str, statement: str) -> None:
    """States that can't be are refused by a CHECK."""
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(statement.encode())
