"""The mapping held against PostgreSQL's catalogs: which watches are in place. No row of the CRM is read, no lock is waited for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import psycopg
from psycopg.rows import class_row

from worker.capture.resolve import Resolved, resolve, watched_names
from worker.capture.states import (
    MENDED_BY_INSTALL,
    Catalog,
    Installed,
    State,
    Trigger,
    WatchStatus,
    inheriting,
    watch_state,
)
from worker.capture.tables import Tables, WatchedTable, find_tables, watched_table
from worker.config.model import Mapping, Source, Watch
from worker.database.sql import sql_text
from worker.errors import ConfigError

IS_INSTALLED = "SELECT FROM pg_catalog.pg_tables WHERE schemaname = 'ringostat_sync' AND tablename = 'watches'"


def watch(connection: psycopg.Connection[Any], mapping: Mapping) -> list[WatchStatus]:
    """How every watch of the mapping is, in its order; a changed watch counts as missing, as its triggers have another name.

    Five statements, however many watches there are. `connection`: to the database that holds CRM and outbox; it may be read
    only. Raises psycopg.Error if the catalogs can't be read.
    """
    catalog = read_catalog(connection)
    known = {one.table_name for one in catalog.installed.values()}
    tables = find_tables(connection, watched_names(mapping), known)
    found = [_resolved(tables, source, one) for source in mapping.sources.values() for one in source.triggered]
    listed = {one.id for one in found if isinstance(one, Resolved)}
    replaced = {(one.source, one.table_name) for one in catalog.installed.values() if one.id not in listed}
    return [_status(tables, catalog, replaced, one) if isinstance(one, Resolved) else one for one in found]


def not_in_place(connection: psycopg.Connection[Any], wanted: Iterable[Resolved]) -> list[Resolved]:
    """Those of the watches that `install` has to make, or to make anew. Reads catalogs only, so it waits for no table."""
    catalog = read_catalog(connection)
    return [one for one in wanted if watch_state(one, catalog)[0] in MENDED_BY_INSTALL]


def find_triggers(connection: psycopg.Connection[Any]) -> list[Trigger]:
    """Every trigger of ours in the database, also of watches that are no longer listed."""
    with connection.cursor(row_factory=class_row(Trigger)) as cursor:
        return cursor.execute(sql_text(__package__, "found_triggers").encode(), {}).fetchall()


def read_catalog(connection: psycopg.Connection[Any]) -> Catalog:
    """What there is of capture in the database; nothing before the first migration."""
    if not connection.execute(IS_INSTALLED).rowcount:
        return Catalog([], {})
    with connection.cursor(row_factory=class_row(Installed)) as cursor:
        installed = cursor.execute(sql_text(__package__, "installed_watches").encode()).fetchall()
    return Catalog(find_triggers(connection), {one.id: one for one in installed})


def _resolved(tables: Tables, source: Source, one: Watch) -> Resolved | WatchStatus:
    status = WatchStatus(source.name, one.table, State.NO_COLUMN)
    try:
        table = watched_table(tables, source, one)
    except ConfigError as error:
        return replace(status, state=State.NO_TABLE, detail=str(error))
    try:
        return resolve(tables, source, one)
    except ConfigError as error:
        return replace(status, detail=str(error), replicated=table.replicated)


def _status(tables: Tables, catalog: Catalog, replaced: set[tuple[str, str]], one: Resolved) -> WatchStatus:
    state, detail = watch_state(one, catalog)
    if state is State.MISSING and (one.source.name, one.table.name) in replaced:
        detail = "The mapping has changed since the last `capture install`."
    if state is State.OK and (told := inheriting(one, _watched(tables, one.source))):
        state, detail = State.CHILDREN, told
    return WatchStatus(one.source.name, one.watch.table, state, detail, one.table.replicated)


def _watched(tables: Tables, source: Source) -> set[str]:
    found = (tables[one.table] for one in source.triggered)
    return {table.name for table in found if isinstance(table, WatchedTable)}
