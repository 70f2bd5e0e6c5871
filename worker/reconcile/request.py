"""Request: a source is to be reconciled, as some of its changes may have been missed."""

from __future__ import annotations

from sqlalchemy import Connection

from worker.database.sql import sql_text


def request(connection: Connection, source: str, reason: str) -> None:
    """Have a source reconciled soon, from its first key on, whatever is under way. `reason`: a few words without data."""
    connection.exec_driver_sql(sql_text(__package__, "request"), {"source": source, "reason": reason})


def after_gap(connection: Connection, source: str) -> None:
    """Its changes are captured again."""
    request(connection, source, "capture")
