"""The statements that make and drop triggers and functions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from worker.capture.functions import row_function, truncate_function
from worker.capture.resolve import Resolved
from worker.capture.states import Trigger
from worker.database.sql import sql_text

ROW_TRIGGER = (
    "CREATE OR REPLACE TRIGGER {trigger} AFTER INSERT OR UPDATE OR DELETE ON {table}"
    " FOR EACH ROW EXECUTE FUNCTION {function}()"
)
TRUNCATE_TRIGGER = (
    "CREATE OR REPLACE TRIGGER {trigger} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
)
ENABLE = "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}"
# PostgreSQL asks it of whoever adds a partition to a watched table. Nobody can name our functions who may not use our schema.
GRANT = "GRANT EXECUTE ON FUNCTION {}() TO PUBLIC"


def change(
    connection: psycopg.Connection[Any], table: str, new: list[Resolved], old: list[Trigger], gaps: Collection[str] = ()
) -> None:
    """Put the new watches' triggers on a table and drop the old ones, in the caller's transaction: no change falls between.

    `gaps`: sources of which changes may have been missed before; those are reconciled soon.
    """
    # The strongest lock first: one that is raised midway is how deadlocks begin. DROP TRIGGER takes the stronger one.
    mode = "ACCESS EXCLUSIVE" if old else "SHARE ROW EXCLUSIVE"
    connection.execute(f"LOCK TABLE {table} IN {mode} MODE".encode())
    for watch in new:
        _put(connection, watch)
    for source in gaps:
        request = sql_text("worker.reconcile", "request").encode()
        connection.execute(request, {"source": source, "reason": "capture"})
    for trigger in old:
        drop = sql.SQL("DROP TRIGGER IF EXISTS {} ON {}")
        connection.execute(drop.format(sql.Identifier(trigger.name), sql.SQL(table)))


def make_functions(connection: psycopg.Connection[Any], watch: Resolved) -> None:
    """Make or replace a watch's two functions."""
    connection.execute(row_function(watch).encode())
    connection.execute(truncate_function(watch).encode())
    for name in (watch.function, watch.truncate_function):
        connection.execute(sql.SQL(GRANT).format(sql.Identifier("ringostat_sync", name)))


def put_trigger(connection: psycopg.Connection[Any], statement: str, table: str, trigger: str, function: str) -> None:
    """Make or replace a trigger that fires under logical replication too."""
    names = {
        "table": sql.SQL(table),
        "trigger": sql.Identifier(trigger),
        "function": sql.Identifier("ringostat_sync", function),
    }
    for each in (statement, ENABLE):
        connection.execute(sql.SQL(each).format(**names))


def sweep(connection: psycopg.Connection[Any], wanted: list[Resolved]) -> None:
    """Drop the functions that no trigger calls, note where the wanted watches are, and forget the others for which no changed row waits."""
    for (function,) in connection.execute(sql_text(__package__, "idle_functions").encode(), {}).fetchall():
        connection.execute(sql.SQL("DROP FUNCTION {}()").format(sql.Identifier("ringostat_sync", function)))
    for watch in wanted:
        write_down(connection, watch)
    row = connection.execute("SELECT to_regclass('ringostat_sync.watches') IS NOT NULL").fetchone()
    if row is not None and row[0]:
        connection.execute(sql_text(__package__, "forget_watches").encode(), {"wanted": [watch.id for watch in wanted]})


def _put(connection: psycopg.Connection[Any], watch: Resolved) -> None:
    make_functions(connection, watch)
    put_trigger(connection, ROW_TRIGGER, watch.table.name, watch.trigger, watch.function)
    # A TRUNCATE of a partition alone, as logical replication makes them, fires no trigger of its parent.
    for table in (watch.table.name, *watch.table.partitions):
        put_trigger(connection, TRUNCATE_TRIGGER, table, watch.truncate_trigger, watch.truncate_function)
    write_down(connection, watch)


def write_down(connection: psycopg.Connection[Any], watch: Resolved) -> None:
    """Note which table a watch is on, and its columns' types; nothing if that is known."""
    at = watch.table
    values = {
        "id": watch.id,
        "source": watch.source.name,
        "table_name": at.name,
        "keys": watch.watch.keys,
        "definition": Jsonb(watch.definition),
        "table_oid": at.oid,
        "column_types": Jsonb(at.types),
    }
    connection.execute(sql_text(__package__, "write_down").encode(), values)
