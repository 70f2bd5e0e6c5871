"""What is in the way of capture in the database that holds the outbox, and whether it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.rows import dict_row

from worker import capture
from worker.capture import MENDED_BY_INSTALL, State, WatchStatus
from worker.capture.resolve import watched_names
from worker.capture.tables import WatchedTable, find_tables
from worker.config.model import Mapping
from worker.database.sql import sql_text
from worker.operate.check.finding import Finding, listed, warning


def capture_findings(connection: psycopg.Connection[Any], mapping: Mapping) -> Iterator[Finding]:
    """The state of every watch, and the rights that an installation would lack. Raises psycopg.Error."""
    found = capture.watch(connection, mapping)
    tables = find_tables(connection, watched_names(mapping))
    awaiting = [one for one in found if one.state in MENDED_BY_INSTALL]
    oids = [table.oid for one in awaiting if isinstance(table := tables[one.table], WatchedTable)]
    with connection.cursor(row_factory=dict_row) as cursor:
        [row] = cursor.execute(sql_text(__package__, "rights").encode(), {"oids": oids}).fetchall()
    yield from _publications(row["publications"])
    if awaiting:
        yield from _rights(row)
    yield from _states(found)


def _states(found: list[WatchStatus]) -> Iterator[Finding]:
    tables: dict[tuple[str, State], list[str]] = {}
    for one in found:
        tables.setdefault((one.source, one.state), []).append(one.table)
    for (source, state), watched in tables.items():
        told = f"{source}: capture is {state} for {listed(list(dict.fromkeys(watched)))}"
        if state is State.OK:
            yield Finding(told)
        elif state in MENDED_BY_INSTALL:
            yield warning(f"{told}: run `ringostat-sync capture install`")
        elif state is State.CHILDREN:
            yield warning(f"{told}: what inherits from a table has rows of its own: watch it too")


def _rights(row: dict[str, Any]) -> Iterator[Finding]:
    will_fail = f"`capture install` will fail as role {row['role']}"
    if not row["may_create"]:
        yield warning(
            f"{will_fail}: it may not create what it needs: GRANT CREATE ON DATABASE {row['database']} TO {row['role']},"
            " or run it as a role that may"
        )
    if not row["may_try"]:
        yield warning(
            f"{will_fail}: it may make no temporary table: GRANT TEMP ON DATABASE {row['database']} TO {row['role']}"
        )
    if row["not_owned"]:
        owners = listed(sorted({owner for _, owner in row["not_owned"]}))
        tables = listed([table for table, _ in row["not_owned"]])
        yield warning(
            f"{will_fail}: {tables} belong to {owners}: run it as {owners}, or GRANT {owners} TO {row['role']}"
        )


def _publications(names: list[str]) -> Iterator[Finding]:
    if names:
        yield warning(
            f"The publication {listed(names)} is FOR ALL TABLES and publishes our own tables too, which stops its subscribers:"
            " let it name its tables or schemas"
        )
