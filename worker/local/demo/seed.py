"""Bringing the demo CRM into a database: its schema, and whom it knows to begin with."""

from __future__ import annotations

from importlib.resources import files
from random import Random
from typing import Any

import psycopg

from worker.config.settings import libpq_url
from worker.errors import RefusedError
from worker.local.demo.population import Table, tables

OURS = "ringostat-sync demo CRM"


def install(connection_or_url: psycopg.Connection[Any] | str, *, contacts: int = 200, dice: Random) -> None:
    """Create the schema `crm` with so many contacts, in one transaction; do nothing if it is ours already.

    The same `dice` make the same CRM. 200 contacts take a tenth of a second, 100,000 some seconds.

    Raises RefusedError if `crm` is another user's schema, or if the role may not create one.
    """
    if isinstance(connection_or_url, str):
        with psycopg.connect(libpq_url(connection_or_url)) as connection:
            install(connection, contacts=contacts, dice=dice)
        return
    try:
        with connection_or_url.transaction():
            _install(connection_or_url, contacts, dice)
    except psycopg.errors.InsufficientPrivilege as error:
        raise RefusedError(
            "The demo CRM may not create its schema crm here: give the role of DATABASE_URL the right to (GRANT CREATE"
            " ON DATABASE), or take a database of its own for the demo."
        ) from error


def _install(connection: psycopg.Connection[Any], contacts: int, dice: Random) -> None:
    # In a statement of its own: what two installers see next is younger than the lock.
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [OURS])
    if _is_installed(connection):
        return
    connection.execute((files("worker.local.demo") / "schema.sql").read_bytes())
    [(now,)] = connection.execute("SELECT now()").fetchall()
    for table in tables(contacts, dice, now):
        _fill(connection, table)
        connection.execute(f"ANALYZE crm.{table.name}")


def _is_installed(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute(
        "SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace WHERE nspname = 'crm'"
    ).fetchone()
    if row is None:
        return False
    if not row[0].startswith(OURS):
        raise RefusedError(
            "There is a schema crm in this database that is not the demo's: set RINGOSTAT_AUTH_KEY to sync your own"
            " CRM, or take another database for the demo."
        )
    return True


def _fill(connection: psycopg.Connection[Any], table: Table) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY crm.{table.name} ({table.columns}) FROM STDIN") as copy,
    ):
        for row in table.rows:
            copy.write_row(row)
