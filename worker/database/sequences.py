"""Sequences, kept ahead of the ids that were given."""

from __future__ import annotations

from typing import Any

import psycopg

from worker.database.sql import sql_text

MAY_SET = """
SELECT pg_has_role(nspowner, 'USAGE') FROM pg_catalog.pg_namespace WHERE nspname = 'ringostat_sync'
"""


def set_sequences(connection: psycopg.Connection[Any]) -> int:
    """Put each sequence that is behind its ids right, in the caller's transaction; returns how many were.

    Without the owner's rights it does nothing: the role of every day need not have them. Raises psycopg.Error.
    """
    if connection.execute(MAY_SET).fetchone() != (True,):
        return 0
    return len(connection.execute(sql_text(__package__, "sequences").encode()).fetchall())
