"""Which watches are in place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psycopg

from worker.capture.functions import body, row_function, truncate_function
from worker.capture.resolve import Resolved, resolve
from worker.capture.tables import find_table
from worker.config.model import Mapping, Source, Watch
from worker.errors import ConfigError

FOUND = """
SELECT
    quote_ident(n.nspname) || '.' || quote_ident(c.relname), t.tgname, t.tgparentid <> 0, t.tgenabled = 'A',
    p.prosrc, p.prosecdef AND p.proconfig = ARRAY['search_path=pg_catalog, pg_temp']
FROM pg_catalog.pg_trigger AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_proc AS p ON p.oid = t.tgfoid
JOIN pg_catalog.pg_namespace AS f ON f.oid = p.pronamespace
WHERE f.nspname = 'ringostat_sync' AND t.tgname LIKE 'ringostat\\_sync\\_%'
ORDER BY 1, 2
"""
KNOWN = "SELECT id FROM ringostat_sync.watches"


class State(StrEnum):
    """How a watch stands. `install` mends those of MENDED_BY_INSTALL; the others, whoever owns mapping and CRM."""

    OK = "ok"
    MISSING = "missing"
    DISABLED = "disabled"
    OUTDATED = "outdated"
    NO_TABLE = "no table"
    NO_COLUMN = "no column"


MENDED_BY_INSTALL = {State.MISSING, State.DISABLED, State.OUTDATED}


@dataclass(frozen=True, slots=True)
class WatchStatus:
    """How a watch of a source stands; `detail` is a sentence where there is more to say."""

    source: str
    table: str
    state: State
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger of ours as it is in the database. An `inherited` one is a partition's: it comes and goes with its parent's."""

    table: str
    name: str
    inherited: bool
    always: bool
    body: str
    safe: bool


def status(connection: psycopg.Connection[Any], mapping: Mapping) -> list[WatchStatus]:
    """How every watch of the mapping stands; a changed watch counts as missing, as its triggers bear another name."""
    triggers = find_triggers(connection)
    known = _known(connection)
    return [
        _status(connection, source, watch, triggers, known)
        for source in mapping.sources.values()
        for watch in source.watches
    ]


def not_in_place(connection: psycopg.Connection[Any], wanted: Iterable[Resolved]) -> list[Resolved]:
    """Those of the watches that are anything but ok. Reads catalogs only, so it waits for no table."""
    triggers = find_triggers(connection)
    known = _known(connection)
    return [watch for watch in wanted if _state(watch, triggers, known) is not State.OK]


def find_triggers(connection: psycopg.Connection[Any]) -> list[Trigger]:
    """Every trigger of ours in the database, whoever listed it."""
    return [Trigger(*row) for row in connection.execute(FOUND).fetchall()]


def _known(connection: psycopg.Connection[Any]) -> set[str]:
    row = connection.execute("SELECT to_regclass('ringostat_sync.watches') IS NOT NULL").fetchone()
    return {name for (name,) in connection.execute(KNOWN).fetchall()} if row and row[0] else set()


def _status(
    connection: psycopg.Connection[Any], source: Source, watch: Watch, triggers: list[Trigger], known: set[str]
) -> WatchStatus:
    try:
        find_table(connection, source, watch)
    except ConfigError as error:
        return WatchStatus(source.name, watch.table, State.NO_TABLE, str(error))
    try:
        resolved = resolve(connection, source, watch)
    except ConfigError as error:
        return WatchStatus(source.name, watch.table, State.NO_COLUMN, str(error))
    return WatchStatus(source.name, watch.table, _state(resolved, triggers, known))


def _state(watch: Resolved, triggers: list[Trigger], known: set[str]) -> State:
    bodies = {
        watch.trigger: body(row_function(watch)),
        watch.truncate_trigger: body(truncate_function(watch)),
    }
    tables = {watch.table.name, *watch.table.partitions}
    found = [trigger for trigger in triggers if trigger.name in bodies and trigger.table in tables]
    if len(found) < len(bodies) * len(tables) or watch.id not in known:
        return State.MISSING
    if not all(trigger.always for trigger in found):
        return State.DISABLED
    if not all(trigger.safe and trigger.body == bodies[trigger.name] for trigger in found):
        return State.OUTDATED
    return State.OK
