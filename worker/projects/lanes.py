"""What a 413 has taught about a project and method: how many contacts a request may carry."""

from __future__ import annotations

from sqlalchemy import Connection

from models import Method
from worker.database.sql import sql


def learn(connection: Connection, project: int, method: Method, limit: int | None, instead_of: int | None) -> None:
    """Remember the most contacts of a request for the lane's next batches; None: as many as the setting says.

    It replaces only a larger limit or, with `instead_of`, that one.
    """
    values = {"project": project, "method": method, "limit": limit, "instead_of": instead_of}
    connection.execute(sql(__package__, "learn_limit"), values)
