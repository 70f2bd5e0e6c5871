"""The CRM's own backup goes on: those who dump the database may read our schema."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from worker.database.sql import sql_text

GRANTS = (
    "GRANT USAGE ON SCHEMA ringostat_sync TO {}",
    "GRANT SELECT ON ALL TABLES IN SCHEMA ringostat_sync TO {}",
    "GRANT SELECT ON ALL SEQUENCES IN SCHEMA ringostat_sync TO {}",
)


def grant_dumps(connection: psycopg.Connection[Any]) -> None:
    """Let the owners of the database and of the watched tables read our schema, in the caller's transaction, if that is missing.

    Raises psycopg.Error.
    """
    for (role,) in connection.execute(sql_text(__package__, "dump_readers").encode()).fetchall():
        for grant in GRANTS:
            connection.execute(sql.SQL(grant).format(sql.Identifier(role)))
