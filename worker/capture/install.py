"""Install and remove the triggers, without ever queueing the CRM behind us."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.types.json import Jsonb

from worker.capture.functions import Installed, resolve, row_function, truncate_function
from worker.capture.proof import prove
from worker.capture.status import FOUND, in_place
from worker.config.model import Mapping
from worker.errors import RefusedError

PATIENCE = 60.0
LOCK_TIMEOUT_MS = 200
PAUSE = 0.5
"""Seconds between two tries for a lock, on average: longer than a try, so that the CRM passes between."""


def install(
    connection: psycopg.Connection[Any],
    mapping: Mapping,
    *,
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Put every watch's triggers in place and take those no longer listed away; returns a line for each thing done.

    `connection` is in autocommit. Raises ConfigError for a watch that can't work, RefusedError naming the table whose lock
    stayed taken for `patience` seconds.
    """
    wanted = [resolve(connection, source, watch) for source in mapping.sources.values() for watch in source.watches]
    done: list[str] = []

    def when_free(table: str, step: Callable[[], None]) -> None:
        _when_free(connection, table, step, until=clock() + patience, clock=clock, sleep=sleep)

    for watch in wanted:
        if in_place(connection, watch):
            continue
        when_free(watch.table.name, lambda watch=watch: prove(connection, watch))  # type: ignore[misc]
        when_free(watch.table.name, lambda watch=watch: _put(connection, watch))  # type: ignore[misc]
        done.append(f"watching {watch.table.name} for {watch.source.name}")
    return done + _take_away(connection, {watch.trigger for watch in wanted}, when_free)


def remove(connection: psycopg.Connection[Any]) -> list[str]:
    """Take every trigger and function of ours away, also of watches no longer listed; returns a line for each table."""

    def when_free(table: str, step: Callable[[], None]) -> None:
        _when_free(connection, table, step, until=time.monotonic() + PATIENCE, clock=time.monotonic, sleep=time.sleep)

    return _take_away(connection, set(), when_free)


def _put(connection: psycopg.Connection[Any], watch: Installed) -> None:
    names = {
        "table": sql.SQL(watch.table.name),
        "row": sql.Identifier(watch.trigger),
        "truncate": sql.Identifier(f"{watch.trigger}_truncate"),
        "function": sql.Identifier("ringostat_sync", watch.function),
        "truncate_function": sql.Identifier("ringostat_sync", f"{watch.function}_truncate"),
    }
    statements = (
        "REVOKE EXECUTE ON FUNCTION {function}(), {truncate_function}() FROM PUBLIC",
        "CREATE OR REPLACE TRIGGER {row} AFTER INSERT OR UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION {function}()",
        "CREATE OR REPLACE TRIGGER {truncate} BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION {truncate_function}()",
        "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {row}",
        "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {truncate}",
    )
    connection.execute(row_function(connection, watch).encode())
    connection.execute(truncate_function(connection, watch).encode())
    for statement in statements:
        connection.execute(sql.SQL(statement).format(**names))
    connection.execute(
        "INSERT INTO ringostat_sync.watches (id, source, table_name, keys, definition) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (id) DO UPDATE SET installed_at = now()",
        [watch.id, watch.source.name, watch.table.name, watch.watch.keys, Jsonb(watch.definition)],
    )


def _take_away(
    connection: psycopg.Connection[Any], wanted: set[str], when_free: Callable[[str, Callable[[], None]], None]
) -> list[str]:
    found: dict[str, list[tuple[str, str]]] = {}
    for trigger, table, function, _ in connection.execute(FOUND).fetchall():
        if trigger.removesuffix("_truncate") not in wanted:
            found.setdefault(table, []).append((trigger, function))
    for table, triggers in found.items():
        when_free(table, lambda table=table, triggers=triggers: _drop(connection, table, triggers))  # type: ignore[misc]
    return [f"no longer watching {table}" for table in found]


def _drop(connection: psycopg.Connection[Any], table: str, triggers: list[tuple[str, str]]) -> None:
    for trigger, function in triggers:
        named = {"trigger": sql.Identifier(trigger), "table": sql.SQL(table)}
        connection.execute(sql.SQL("DROP TRIGGER IF EXISTS {trigger} ON {table}").format(**named))
        connection.execute(sql.SQL("DROP FUNCTION IF EXISTS {}()").format(sql.Identifier("ringostat_sync", function)))


def _when_free(
    connection: psycopg.Connection[Any],
    table: str,
    step: Callable[[], None],
    *,
    until: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    """Run a step in a transaction that waits a moment for locks, again and again until it gets them."""
    while True:
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
                step()
        except (errors.LockNotAvailable, errors.DeadlockDetected) as error:
            if clock() >= until:
                raise RefusedError(f"{table} stayed locked by somebody else: try again when it is calmer.") from error
            sleep(PAUSE * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
        else:
            return
