"""What a 413 has taught about a project and method: how many contacts a request may carry."""

from __future__ import annotations

from sqlalchemy import Connection

from worker.batches import Held
from worker.database.sql import sql


def shrink(connection: Connection, held: Held, entries: int) -> None:
    """A request of `entries` was too large: halve."""
    values = {"project": held.project.id, "method": held.method, "limit": max(1, entries // 2)}
    connection.execute(sql(__package__, "shrink"), values)


def grow(connection: Connection, held: Held, entries: int) -> None:
    """A request as large as the limit was accepted: grow by a tenth, until the setting is reached again."""
    if held.batch_limit is not None and entries >= held.batch_limit:
        limit = held.batch_limit + max(1, held.batch_limit // 10)
        values = {"project": held.project.id, "method": held.method, "old": held.batch_limit}
        connection.execute(
            sql(__package__, "grow"), {**values, "limit": None if limit >= held.project.batch_size else limit}
        )
