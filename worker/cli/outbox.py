"""The outbox's database, for a command; what goes wrong there becomes one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from worker.config.settings import Settings
from worker.database.engines import outbox_engine
from worker.errors import ConfigError, RefusedError, first_line


@contextmanager
def outbox(settings: Settings) -> Iterator[Connection]:
    """A transaction on the outbox's database; what goes wrong there becomes one line."""
    with outbox_database(settings) as engine, engine.begin() as connection:
        yield connection


@contextmanager
def outbox_database(settings: Settings) -> Iterator[Engine]:
    """The outbox's database, for more transactions than one; what goes wrong there becomes one line."""
    try:
        yield outbox_engine(settings.require_database_url(), poolclass=NullPool)
    except OperationalError as error:
        raise RefusedError(f"DATABASE_URL: PostgreSQL does not answer ({first_line(error)}).") from error
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") in {"42P01", "3F000"}:
            raise ConfigError(
                "DATABASE_URL: the schema is not there yet: run `ringostat-sync migrate` first."
            ) from error
        raise
