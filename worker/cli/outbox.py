"""The outbox's database, for a command; what goes wrong there becomes one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from worker.config.settings import Settings
from worker.database.engines import outbox_engine
from worker.errors import ConfigError, RefusedError, SyncError, first_line

NO_SCHEMA = {"42P01", "3F000"}
NOT_ALLOWED = "42501"
READ_ONLY = "25006"


@contextmanager
def outbox(settings: Settings) -> Iterator[Connection]:
    """A transaction on the outbox's database; what goes wrong there becomes one line."""
    with outbox_database(settings) as engine, engine.begin() as connection:
        yield connection


@contextmanager
def outbox_database(settings: Settings) -> Iterator[Engine]:
    """The outbox's database, for more transactions than one; what goes wrong there becomes one line."""
    with in_one_line():
        yield outbox_engine(settings.require_database_url(), poolclass=NullPool)


@contextmanager
def in_one_line() -> Iterator[None]:
    """Around whatever uses DATABASE_URL, through SQLAlchemy or psycopg: what an operator can mend becomes one line.

    Raises RefusedError if the server does not answer, ConfigError if it refuses what every command needs.
    """
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        told = _told(error)
        if told is None:
            raise
        raise told from error


def _told(error: DBAPIError | psycopg.Error) -> SyncError | None:
    original = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(original, "sqlstate", None)
    if state in NO_SCHEMA:
        return ConfigError("DATABASE_URL: the schema is not there yet: run `ringostat-sync migrate` first.")
    if state == NOT_ALLOWED:
        return ConfigError(
            f"DATABASE_URL: the role may not do this ({first_line(error)}): use the role that owns the schema"
            " `ringostat_sync`, or, to make that, grant this one CREATE on the database."
        )
    if state == READ_ONLY:
        return ConfigError(
            "DATABASE_URL is a read-only replica: set CRM_DATABASE_URL to it, and DATABASE_URL to a database that can"
            " be written."
        )
    if isinstance(original, psycopg.OperationalError):
        return RefusedError(f"DATABASE_URL: PostgreSQL does not answer ({first_line(error)}).")
    return None
