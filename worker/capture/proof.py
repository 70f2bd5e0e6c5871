"""A watch proves itself before it is installed: on a temporary copy, in a transaction that is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from worker.capture.fan_out_keys import column_types, fan_out_sql, one_column_sql
from worker.capture.resolve import Resolved
from worker.capture.triggers import ROW_TRIGGER, TRUNCATE_TRIGGER, make_functions, put_trigger
from worker.config.query import clean_condition
from worker.database.patience import LOCK_TIMEOUT_MS
from worker.errors import ConfigError, first_line

EVENTS = (
    ("INSERT", "INSERT INTO ringostat_sync_copy SELECT * FROM ringostat_sync_sample"),
    ("UPDATE", "UPDATE ringostat_sync_copy SET {column} = NULL"),
    ("DELETE", "DELETE FROM ringostat_sync_copy"),
    ("INSERT", "INSERT INTO ringostat_sync_copy SELECT * FROM ringostat_sync_sample"),
    ("TRUNCATE", "TRUNCATE ringostat_sync_copy"),
)
# `created_at` is the time of the transaction: only what we have written ourselves bears this one. A row that says that nothing could be
# captured does not count.
CAPTURED = """
SELECT count(*) FROM ringostat_sync.outbox
WHERE source = %s AND id > %s AND created_at = now() AND changed IS DISTINCT FROM 'null'
"""
NEWEST = "SELECT coalesce(max(id), 0) FROM ringostat_sync.outbox WHERE source = %s"
ANY_VALUE = ("1", "00000000-0000-0000-0000-000000000001", "2000-01-01", "true")
"""A value of most types, for the proof on a table that is still empty."""

# As the trigger's function runs it, where a name without `changed.` means nothing, but with its errors to be seen.
RUN_WHERE = """
#variable_conflict use_column
DECLARE changed {table}%ROWTYPE;
BEGIN
    SELECT * INTO changed FROM {table} LIMIT 1;
    PERFORM (
{where});
END"""


def prove(connection: psycopg.Connection[Any], watch: Resolved) -> None:
    """Run the `where`, the `keys` SELECT and the functions once, and leave nothing behind; it touches no CRM row.

    Raises ConfigError with PostgreSQL's own words if one does not run; an OperationalError is the caller's.
    """
    with _at_fault(watch), connection.transaction(force_rollback=True):
        with _at_fault(watch, "its `where` fails: "):
            prove_where(connection, watch)
        with _at_fault(watch, "its `keys` fails: "):
            _prove_keys(connection, watch)
        _copy_table(connection, watch)
        make_functions(connection, watch)
        _prove_triggers(connection, watch)


def probe(connection: psycopg.Connection[Any], watch: Resolved) -> None:
    """Try the installed functions on a temporary copy, and leave nothing behind; it touches no CRM row.

    Raises ConfigError if a change of the copy is not caught, psycopg.Error if there can be no copy.
    """
    with connection.transaction(force_rollback=True):
        connection.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
        connection.execute("SET LOCAL search_path = pg_catalog, pg_temp")
        _copy_table(connection, watch)
        with _at_fault(watch):
            _prove_triggers(connection, watch)


@contextmanager
def _at_fault(watch: Resolved, part: str = "") -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise _broken(watch, f"{part}{first_line(error)}") from error


def explain_keys(connection: psycopg.Connection[Any], table: str, keys: str) -> None:
    """Have the `keys` SELECT of a watched table planned, for a changed row of nulls. Raises psycopg.Error if it can't run."""
    types = column_types(connection, table, keys)
    for statement in (one_column_sql, fan_out_sql):
        with psycopg.ClientCursor(connection) as cursor:
            cursor.execute(f"EXPLAIN {statement(table, keys, types)}".encode(), {"changed": Jsonb({})})


def prove_where(connection: psycopg.Connection[Any], watch: Resolved) -> None:
    """Have the `where` of a watch planned, and run for one row, in the caller's transaction. Raises psycopg.Error if it fails."""
    if watch.watch.where is None:
        return
    where = clean_condition(watch.watch.where)
    connection.execute(f"EXPLAIN SELECT FROM {watch.table.name} AS changed WHERE (\n{where})".encode())
    code = RUN_WHERE.format(table=watch.table.name, where=where)
    # A value in the CRM's data may fail: that is what the guard is for. A word in the mapping may not.
    with suppress(psycopg.DataError, psycopg.errors.AssertFailure), connection.transaction():
        connection.execute(sql.SQL("DO {}").format(sql.Literal(code)))


def _broken(watch: Resolved, words: str) -> ConfigError:
    return ConfigError(f"Source {watch.source.name!r} can't watch {watch.table.name}: {words}.")


def _prove_keys(connection: psycopg.Connection[Any], watch: Resolved) -> None:
    if watch.watch.keys is not None:
        explain_keys(connection, watch.table.name, watch.watch.keys)


def _copy_table(connection: psycopg.Connection[Any], watch: Resolved) -> None:
    execute = partial(_execute, connection, watch)
    execute("CREATE TEMP TABLE ringostat_sync_sample ON COMMIT DROP AS SELECT * FROM {table} LIMIT 1")
    execute("CREATE TEMP TABLE ringostat_sync_copy (LIKE ringostat_sync_sample) ON COMMIT DROP")
    _invent_sample(connection, watch)


def _prove_triggers(connection: psycopg.Connection[Any], watch: Resolved) -> None:
    """Every event of a sample row must reach the outbox, if the watch wants that row."""
    put_trigger(connection, ROW_TRIGGER, "ringostat_sync_copy", watch.trigger, watch.function)
    put_trigger(connection, TRUNCATE_TRIGGER, "ringostat_sync_copy", watch.truncate_trigger, watch.truncate_function)
    wanted = _wants_sample(connection, watch)
    newest = _number(connection, NEWEST, watch.source.name)
    for event, statement in EVENTS:
        before = _number(connection, CAPTURED, watch.source.name, newest)
        # A domain may refuse the null.
        refused = suppress(psycopg.IntegrityError) if event == "UPDATE" else nullcontext()
        with refused, connection.transaction(force_rollback=event == "UPDATE"):
            _execute(connection, watch, statement)
            if wanted and _number(connection, CAPTURED, watch.source.name, newest) == before:
                raise _broken(watch, f"its trigger wrote nothing for {event}")


def _invent_sample(connection: psycopg.Connection[Any], watch: Resolved) -> None:
    """Fill the sample where the table is empty; a type that takes none of our values goes without."""
    row = connection.execute("SELECT count(*) FROM ringostat_sync_sample").fetchone()
    for value in ANY_VALUE if row == (0,) else ():
        invent = "INSERT INTO ringostat_sync_sample ({column}) VALUES ({value})"
        try:
            with connection.transaction():
                _execute(connection, watch, invent, value=sql.Literal(value))
        except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError):
            continue
        return


def _wants_sample(connection: psycopg.Connection[Any], watch: Resolved) -> bool:
    where = clean_condition(watch.watch.where) if watch.watch.where is not None else "true"
    wants = "SELECT FROM ringostat_sync_sample AS changed WHERE changed.{column} IS NOT NULL AND (\n{where})"
    try:
        with connection.transaction():
            return _execute(connection, watch, wants, where=sql.SQL(where)).rowcount > 0
    except (psycopg.DataError, psycopg.ProgrammingError, psycopg.errors.AssertFailure):
        # A function of the CRM's may take the table's own row type alone. The trigger's guard then wants the row.
        return _execute(connection, watch, wants, where=sql.SQL("true")).rowcount > 0


def _number(connection: psycopg.Connection[Any], statement: str, *values: object) -> int:
    row = connection.execute(statement.encode(), values).fetchone()
    return int(row[0]) if row else 0


def _execute(
    connection: psycopg.Connection[Any], watch: Resolved, statement: str, **values: sql.Composable
) -> psycopg.Cursor[Any]:
    names = {"table": sql.SQL(watch.table.name), "column": sql.Identifier(_telling_column(watch))}
    return connection.execute(sql.SQL(statement).format(**names, **values))


def _telling_column(watch: Resolved) -> str:
    """A column whose change is a change."""
    return next(iter(watch.compared or ((watch.key,) if watch.key is not None else watch.table.columns)))
