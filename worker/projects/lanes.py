"""What a 413 has taught about a project and method: how many contacts a request may carry."""

from __future__ import annotations

from sqlalchemy import Connection

from worker.batches import Leased
from worker.database.sql import sql


def shrink(connection: Connection, leased: Leased, entries: int) -> None:
    """A request of `entries` was too large: halve."""
    values = {"project": leased.project.id, "method": leased.method, "limit": max(1, entries // 2)}
    connection.execute(sql(__package__, "shrink"), values)


def grow(connection: Connection, leased: Leased, entries: int) -> None:
    """A request as large as the limit was accepted: grow by a tenth, until the setting is reached again."""
    if leased.batch_limit is not None and entries >= leased.batch_limit:
        limit = leased.batch_limit + max(1, leased.batch_limit // 10)
        values = {"project": leased.project.id, "method": leased.method, "old": leased.batch_limit}
        connection.execute(
            sql(__package__, "grow"), {**values, "limit": None if limit >= leased.project.batch_size else limit}
        )
