"""Connections to the two databases: the one that holds the outbox, and the CRM replica, which we only read."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import psycopg
import sqlalchemy.dialects.postgresql.psycopg  # noqa: F401 - loaded before workers fork, not in each of them
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from worker.database import values

ALIVE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
SESSION = {
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
    "search_path": "pg_catalog",
    # Our tables are empty one moment and full the next, and a prepared statement keeps its plan: one that was made for an empty
    # table must not be to read all of it.
    "enable_seqscan": "off",
    "jit": "off",
}
CARELESS = {"synchronous_commit": "off"}
POOL = 2
"""Connections that are kept; more are made where more are needed at once."""
FRESH = 0.5
"""Seconds for which a connection that was used counts as alive."""
READING = {
    "statement_timeout": "30s",  # for one batch
    "default_transaction_read_only": "on",
    # A mapping of many sub-selects looks costly to PostgreSQL, which then compiles it for longer than it takes to read a batch.
    "jit": "off",
}


def outbox_engine(database_url: str, *, poolclass: type[Pool] | None = None, lasting: bool = True) -> Engine:
    """The database that holds the outbox. Made after the fork; a dead connection is noticed when it is taken.

    `lasting`: each commit waits for the disk. Without, a crash of PostgreSQL may take the last moves along, each as a whole.
    """
    engine = create_engine(
        make_url(database_url).set(drivername="postgresql+psycopg"),
        **({"poolclass": poolclass} if poolclass else {"pool_size": POOL, "max_overflow": 4}),
        hide_parameters=True,  # they may be documents
        isolation_level="READ COMMITTED",
        connect_args={
            **ALIVE,
            "application_name": "ringostat-sync",
            "options": _options({**SESSION, **({} if lasting else CARELESS)}),
        },
    )
    _look_after_idle_connections(engine)
    event.listen(engine, "connect", _patient_with_payloads)
    return engine


def at_once(engine: Engine) -> Connection:
    """A connection on which each statement is a transaction of its own."""
    return engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def crm_engine(crm_database_url: str) -> Engine:
    """The CRM replica: read only, each statement on its own, whatever a row holds can be loaded."""
    engine = create_engine(
        make_url(crm_database_url).set(drivername="postgresql+psycopg"),
        pool_size=POOL,
        max_overflow=4,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        connect_args={
            **ALIVE,
            # A prepared query fails for good once the CRM's migration has changed what a `*` in it returns.
            "prepare_threshold": None,
            "application_name": "ringostat-sync mapping",
            "options": _options(READING),
        },
    )
    _look_after_idle_connections(engine)
    event.listen(engine, "connect", _patient_with_rows)
    return engine


def _options(settings: Mapping[str, str]) -> str:
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def _patient_with_payloads(connection: Any, _record: Any) -> None:
    values.load_any_json(connection)


def _patient_with_rows(connection: Any, _record: Any) -> None:
    values.load_any_json(connection)
    values.load_any_time(connection)


def _look_after_idle_connections(engine: Engine) -> None:
    """Ask a connection that has been idle whether it is still there; one in use is not asked each time."""

    def returned(_: Any, record: ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    def taken(dbapi_connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        if time.monotonic() - record.info.get("used", math.inf) > FRESH:
            try:
                engine.dialect.do_ping(dbapi_connection)
            except psycopg.Error as error:
                raise DisconnectionError from error

    event.listen(engine, "checkin", returned)
    event.listen(engine, "checkout", taken)
