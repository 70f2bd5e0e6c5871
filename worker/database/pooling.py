"""A pooler between us and PostgreSQL: one session for as long as we are connected will do, one for each transaction won't.

With the latter, settings and locks of ours would be another client's, the CRM's own among them. Nothing has been set when this is
asked, and it needs no right of any kind.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg

from worker.errors import ConfigError

Session = psycopg.Connection[Any]

LOOKS = 10
"""A pooler gives out the session that was used last; with other clients about, it may be another one now and then, and not ten times."""
PATIENCE = 2.0
"""Seconds for which a second connection may wait for a session: a pool for sessions may have none to spare."""
PROCESS = "SELECT pg_catalog.pg_backend_pid()"


def refuse_transaction_pooling(connection: Session, connect: Callable[[], Session], variable: str) -> bool:
    """Whether a pooler is in between at all; raises ConfigError naming `variable` if it gives sessions by the transaction.

    `connection` is in autocommit, `connect` makes another one of the same kind. Raises psycopg.Error.
    """
    process = _process(connection)
    if process == connection.info.backend_pid:
        return False
    with closing(connect()) as other:
        for _ in range(LOOKS):
            elsewhere = _process_in_time(other)
            if elsewhere is None:
                break
            if elsewhere == process or _process(connection) != process:
                raise _refusal(variable)
    return True


def _process(connection: Session) -> int | None:
    """The server's process behind a connection."""
    row = connection.execute(PROCESS).fetchone()
    return row[0] if row else None


def _process_in_time(connection: Session) -> int | None:
    """The same; None if the pooler has no session for it in time."""
    raw = connection.pgconn
    raw.send_query(PROCESS.encode())
    end, found = time.monotonic() + PATIENCE, None
    while True:
        while raw.is_busy():
            if not select.select([raw.socket], [], [], max(0.0, end - time.monotonic()))[0]:
                return None
            raw.consume_input()
        result = raw.get_result()
        if result is None:
            return found
        if result.ntuples:
            found = int(result.get_value(0, 0) or 0)


def _refusal(variable: str) -> ConfigError:
    return ConfigError(
        f"{variable} leads to a pooler (such as PgBouncer) that gives sessions by the transaction: set its pool_mode to"
        " session, or name PostgreSQL's own address."
    )
