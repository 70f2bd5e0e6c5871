"""The schema `ringostat_sync`, brought to head by Alembic from within the distribution."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg.errors import (
    DeadlockDetected,
    DuplicateColumn,
    DuplicateObject,
    DuplicateTable,
    LockNotAvailable,
    UndefinedColumn,
    UndefinedTable,
)
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from migrations import refusals
from models import SCHEMA
from worker.database.dump_rights import grant_dumps
from worker.database.engines import migration_engine
from worker.database.patience import LOCK_TIMEOUT_MS, Patience
from worker.database.sequences import set_sequences
from worker.errors import RefusedError, first_line

if TYPE_CHECKING:
    from alembic.config import Config

LOCK = 0x52_53_59_4E  # "RSYN": one migration at a time per database
HEAD = "head"
NOT_AS_IT_SAYS = (DuplicateColumn, DuplicateObject, DuplicateTable, UndefinedColumn, UndefinedTable)
"""Errors of a migration on a schema that is at another revision than it says."""
MAY_CREATE = "SELECT to_regnamespace(:schema) IS NULL OR has_database_privilege(current_database(), 'CREATE')"
STAYED = """
SELECT string_agg(DISTINCT 'ringostat_sync.' || c.relname, ', ') FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
WHERE c.relnamespace = to_regnamespace('ringostat_sync') AND c.relkind = 'r' AND l.granted AND l.pid <> pg_backend_pid()
"""


def alembic_config() -> Config:
    """Alembic's settings without a file, so that they hold from any folder and from an installed wheel."""
    from alembic.config import Config  # noqa: PLC0415 - Alembic takes nine megabytes in processes that never migrate

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def upgrade(
    database_url: str, revision: str = HEAD, *, published: bool = False, patience: Patience | None = None
) -> None:
    """Bring the schema in `database_url` (PostgreSQL 15 and later) to `revision`, in one transaction; twice and at once without harm.

    The CRM does not queue behind it: it asks for each lock only for a moment, and again. `published`: a publication has our schema,
    and its subscribers are prepared. Raises RefusedError naming the table that stayed locked, or saying why this database is not to be
    migrated; ConfigError for one that can't be.
    """
    patience = patience or Patience()
    with migration_engine(database_url).connect() as connection:
        if not patience.until(partial(_try, connection, revision, published=published)):
            stayed = connection.execute(text(STAYED)).scalar_one() or f"the schema {SCHEMA}"
            raise RefusedError(
                f"{stayed} stayed locked for {patience.seconds:g} s: try again when the CRM is less busy."
            )


def _try(connection: Connection, revision: str, *, published: bool) -> bool:
    try:
        with connection.begin():
            connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            _migrate(connection, revision, published=published)
    except DBAPIError as error:
        if isinstance(error.orig, LockNotAvailable | DeadlockDetected):
            return False
        if isinstance(error.orig, NOT_AS_IT_SAYS):
            raise refusals.torn(first_line(error)) from error
        raise
    return True


def _migrate(connection: Connection, revision: str, *, published: bool) -> None:
    session: Any = connection.connection.driver_connection
    refusals.refuse_encoding(session)
    refusals.refuse_copy(session)
    # IF NOT EXISTS wants the right all the same, which the role of every day may lack.
    if connection.execute(text(MAY_CREATE), {"schema": SCHEMA}).scalar_one():
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    if _is_behind(connection, session):
        if not published:
            refusals.refuse_publication(session)
        _run(connection, revision)
        session.execute(f"COMMENT ON SCHEMA {SCHEMA} IS 'ringostat-sync {refusals.our_version()}'")
    if revision == HEAD:
        set_sequences(session)
    grant_dumps(session)


def _is_behind(connection: Connection, session: Any) -> bool:
    """Whether there is anything to do. Raises RefusedError for revisions that are not known, or not one."""
    from alembic.migration import MigrationContext  # noqa: PLC0415 - see above
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see above

    script = ScriptDirectory.from_config(alembic_config())
    known = {one.revision for one in script.walk_revisions()}
    newest = script.get_current_head()
    now = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA}).get_current_heads()
    for unknown in set(now) - known:
        refusals.refuse_unknown(session, unknown, str(newest))
    refusals.refuse_torn(session, now)
    return now != (newest,)


def _run(connection: Connection, revision: str) -> None:
    from alembic import command  # noqa: PLC0415 - slow to load, and seldom needed

    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
