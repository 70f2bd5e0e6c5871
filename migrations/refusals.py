"""What a migration looks at before it changes anything: reasons not to."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import psycopg

from worker.database.copies import feeding_subscriptions, publications
from worker.errors import ConfigError, RefusedError

NEVER = "a version that is not known"
HAS_TABLES = """
SELECT FROM pg_class WHERE relnamespace = to_regnamespace('ringostat_sync') AND relkind = 'r' AND relname <> 'alembic_version' LIMIT 1
"""
COMMENT = "SELECT obj_description(to_regnamespace('ringostat_sync'), 'pg_namespace')"


def our_version() -> str:
    """This distribution's version, as its metadata have it."""
    try:
        return version("ringostat-sync")
    except PackageNotFoundError:
        return NEVER


def refuse_encoding(connection: psycopg.Connection) -> None:
    """Raise ConfigError for a database that can't hold every letter of a document or of an answer."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise ConfigError(
            f"DATABASE_URL: this database's encoding is {encoding}, which can't hold every letter: create one for the outbox"
            " (CREATE DATABASE sync ENCODING 'UTF8' TEMPLATE template0), and name the CRM's in CRM_DATABASE_URL, which is then polled."
        )


def refuse_copy(connection: psycopg.Connection) -> None:
    """Raise RefusedError for a copy whose schema of ours is fed by a subscription."""
    if names := feeding_subscriptions(connection):
        raise RefusedError(
            f"This database is a copy: the subscription {', '.join(names)} writes into `ringostat_sync`. Work where it comes from;"
            " if this one takes over, drop the subscription first (docs/backup.md)."
        )


def refuse_publication(connection: psycopg.Connection) -> None:
    """Raise RefusedError if a publication would take new tables of ours to subscribers that have them not."""
    if names := publications(connection):
        raise RefusedError(
            f"The publication {', '.join(names)} would take the tables of `ringostat_sync` along, at which its subscribers stop:"
            " publish the CRM's schemas only, or prepare the subscribers and run `ringostat-sync migrate --published` (docs/backup.md)."
        )


def refuse_unknown(connection: psycopg.Connection, unknown: str, newest: str) -> None:
    """Raise RefusedError for a schema at a revision that this code does not have."""
    row = connection.execute(COMMENT).fetchone()
    maker = row[0] if row and row[0] else NEVER
    raise RefusedError(
        f"The schema `ringostat_sync` is at revision {unknown}, made by {maker}; this is ringostat-sync {our_version()}, which knows"
        f" up to {newest}: start the newer version again, or restore the backup from before its `migrate`."
    )


def refuse_torn(connection: psycopg.Connection, revisions: Sequence[str]) -> None:
    """Raise RefusedError for a schema that does not say at which revision it is, as after half a restore."""
    if len(revisions) > 1 or (not revisions and connection.execute(HAS_TABLES).fetchone() is not None):
        raise torn(f"its alembic_version holds {len(revisions)} revisions instead of one")


def torn(why: str) -> RefusedError:
    """The refusal of a schema that is not whole."""
    return RefusedError(
        f"The schema `ringostat_sync` is not whole ({why}): restore all of it, or drop it (DROP SCHEMA ringostat_sync CASCADE), run"
        " `ringostat-sync capture install`, and `ringostat-sync backfill SOURCE --force` for each source."
    )
