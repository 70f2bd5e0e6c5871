"""A watch proves itself before it is installed: on a temporary copy, in a transaction that is rolled back."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.types.json import Jsonb

from worker.capture.expansion import expansion_sql
from worker.capture.functions import Installed, row_function, truncate_function
from worker.config.query import clean_condition
from worker.errors import ConfigError

STEPS = (
    "CREATE TEMP TABLE ringostat_sync_proof ON COMMIT DROP AS SELECT * FROM {table} LIMIT 1",
    "CREATE TRIGGER row AFTER INSERT OR UPDATE OR DELETE ON ringostat_sync_proof FOR EACH ROW EXECUTE FUNCTION {function}()",
    "CREATE TRIGGER whole BEFORE TRUNCATE ON ringostat_sync_proof FOR EACH STATEMENT EXECUTE FUNCTION {truncate_function}()",
    "INSERT INTO ringostat_sync_proof SELECT * FROM ringostat_sync_proof",
    "DELETE FROM ringostat_sync_proof",
    "INSERT INTO ringostat_sync_proof DEFAULT VALUES",
    "TRUNCATE ringostat_sync_proof",
)


def prove(connection: psycopg.Connection[Any], watch: Installed) -> None:
    """Run the functions, the `where` and the `keys` SELECT once, and leave nothing behind; it touches no CRM row.

    Raises ConfigError with PostgreSQL's own words where one does not run; a lock that is taken is the caller's.
    """
    try:
        with connection.transaction(force_rollback=True):
            _run(connection, watch)
    except (errors.LockNotAvailable, errors.DeadlockDetected):
        raise
    except psycopg.Error as error:
        words = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise ConfigError(f"Source {watch.source.name!r} can't watch {watch.table.name}: {words}.") from error


def _run(connection: psycopg.Connection[Any], watch: Installed) -> None:
    names = {
        "table": sql.SQL(watch.table.name),
        "function": sql.Identifier("ringostat_sync", watch.function),
        "truncate_function": sql.Identifier("ringostat_sync", f"{watch.function}_truncate"),
    }
    connection.execute(row_function(connection, watch).encode())
    connection.execute(truncate_function(connection, watch).encode())
    for step in STEPS:
        connection.execute(sql.SQL(step).format(**names))
    # The function guards these; here their errors are to be seen.
    if watch.watch.where:
        condition = clean_condition(watch.watch.where)
        connection.execute(f"SELECT (\n{condition})::boolean FROM {watch.table.name} AS changed LIMIT 0".encode())
    if watch.watch.keys:
        connection.execute("SET LOCAL search_path = pg_catalog")
        statement = f"EXPLAIN {expansion_sql(watch.table.name, watch.watch.keys)}"
        with psycopg.ClientCursor(connection) as cursor:
            cursor.execute(statement, {"changed": Jsonb({})})
