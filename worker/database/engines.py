"""Connections to the two databases: the one that holds the outbox, and the CRM replica, which we only read."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import psycopg
import sqlalchemy.dialects.postgresql.psycopg  # noqa: F401 - loaded before workers fork, not in each of them
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, Pool

from worker.database import values
from worker.database.connect import Connector
from worker.database.place import is_standby
from worker.database.sessions import CARELESS, CRM, MIGRATION, OUTBOX
from worker.database.standby import Standby

DIALECT = "postgresql+psycopg://"
"""Without an address: libpq reads it, and knows more of it than SQLAlchemy."""
POOL = 2
"""Connections that are kept; more are made if more are needed at once."""
FRESH = 0.5
"""Seconds for which a connection that was used counts as alive."""
ENDED = {"25006", "25P03", "25P04", "57P01", "57P02", "57P03", "57P05"}
"""SQLSTATEs after which a session is of no use: the server ended it, or it is one of a server that can't be written any more."""


def outbox_engine(database_url: str, *, poolclass: type[Pool] | None = None, lasting: bool = True) -> Engine:
    """The database that holds the outbox. Made after the fork; a dead connection is noticed when it is taken.

    `lasting`: each commit waits for the disk. Without, a crash of PostgreSQL may take the last moves along, each as a whole.
    """
    engine = create_engine(
        DIALECT,
        creator=Connector(database_url, "DATABASE_URL", OUTBOX if lasting else {**OUTBOX, **CARELESS}),
        **({"poolclass": poolclass} if poolclass else {"pool_size": POOL, "max_overflow": 4}),
        hide_parameters=True,  # they may be documents
        isolation_level="READ COMMITTED",
    )
    _look_after_idle_connections(engine, _end_demoted)
    event.listen(engine, "connect", _patient_with_payloads)
    event.listen(engine, "connect", _note_primary)
    event.listen(engine, "handle_error", _end_useless_sessions)
    return engine


def migration_engine(database_url: str) -> Engine:
    """The same database, for a session that changes the schema, and may take as long as that takes."""
    connector = Connector(database_url, "DATABASE_URL", MIGRATION)
    return create_engine(DIALECT, creator=connector, poolclass=NullPool, isolation_level="READ COMMITTED")


def at_once(engine: Engine) -> Connection:
    """A connection on which each statement is a transaction of its own."""
    return engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def crm_engine(crm_database_url: str, outbox: Engine | None = None) -> Engine:
    """The CRM replica: read only, each statement on its own, whatever a row holds can be loaded.

    With `outbox`, a session on a standby of its server is given out once the standby has what that server has now: a change is never
    read from before it was captured. Connecting then raises ReplicaUnavailableError, too.
    """
    # A prepared query fails for good once the CRM's migration has changed what a `*` in it returns.
    more = {"prepare_threshold": None}
    engine = create_engine(
        DIALECT,
        creator=Connector(crm_database_url, "CRM_DATABASE_URL", CRM, "ringostat-sync mapping", more),
        pool_size=POOL,
        max_overflow=4,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
    )
    _look_after_idle_connections(engine, lambda session, _: engine.dialect.do_ping(session))
    event.listen(engine, "connect", _patient_with_rows)
    if outbox is not None:
        _wait_for_standbys(engine, Standby(outbox))
    return engine


def _patient_with_payloads(connection: Any, _record: Any) -> None:
    values.load_any_json(connection)


def _patient_with_rows(connection: Any, _record: Any) -> None:
    values.load_any_json(connection)
    values.load_any_time(connection)


def _note_primary(session: Any, record: ConnectionPoolEntry) -> None:
    record.info["primary"] = not _is_standby(session)


def _end_demoted(session: Any, record: ConnectionPoolEntry) -> None:
    """Give a session up whose server was the primary and is none any more: who only reads would never notice."""
    if _is_standby(session) and record.info["primary"]:
        raise DisconnectionError


def _is_standby(session: Any) -> bool:
    """Asked in a transaction of its own."""
    before, session.autocommit = session.autocommit, True
    try:
        return is_standby(session)
    finally:
        if not session.closed:
            session.autocommit = before


def _end_useless_sessions(context: ExceptionContext) -> None:
    if getattr(context.original_exception, "sqlstate", None) in ENDED:
        context.is_disconnect = True


def _wait_for_standbys(engine: Engine, standby: Standby) -> None:
    def connected(session: Any, record: ConnectionPoolEntry) -> None:
        record.info["follows"] = standby.follows(session)

    def taken(session: Any, record: ConnectionPoolEntry, _: Any) -> None:
        if record.info.get("follows"):
            standby.catch_up(session)

    event.listen(engine, "connect", connected)
    event.listen(engine, "checkout", taken)


def _look_after_idle_connections(engine: Engine, ask: Callable[[Any, ConnectionPoolEntry], object]) -> None:
    """Ask a connection that has been idle whether it is still there; one in use is not asked each time."""

    def returned(_: Any, record: ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    def taken(dbapi_connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        if time.monotonic() - record.info.get("used", math.inf) > FRESH:
            try:
                ask(dbapi_connection, record)
            except psycopg.Error as error:
                raise DisconnectionError from error

    event.listen(engine, "checkin", returned)
    event.listen(engine, "checkout", taken)
