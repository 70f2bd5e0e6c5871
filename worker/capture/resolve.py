"""A watch held against the database: everything that its triggers are made from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import psycopg

from worker.capture.fan_out_keys import columns_named
from worker.capture.tables import Tables, WatchedTable, find_column, find_tables, quoted, watched_table
from worker.config.model import Mapping, Source, Watch
from worker.database.sessions import WRITTEN_FORMS

SAFE = {"search_path": "pg_catalog, pg_temp"}
SEES_ALL = {"row_security": "off"}
"""A policy that would hide a row is then an error, which captures the change."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A watch whose table and columns are there, by their names in the database.

    `id` is a hash of what the watch says: a watch that says something else is another watch, with triggers of its own.
    `named` are the columns that a `keys` SELECT names, or None if it takes the whole row. `forms` are the settings by which
    PostgreSQL writes the key or those columns, if their text follows any.
    """

    id: str
    source: Source
    watch: Watch
    table: WatchedTable
    key: str | None
    columns: tuple[str, ...]
    named: tuple[str, ...] | None
    definition: dict[str, Any]
    forms: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        """The settings under which the row function runs. Each costs the CRM's transactions a microsecond or more."""
        reads = self.watch.where is not None and "(" in self.watch.where
        return {**SAFE, **self.forms, **(SEES_ALL if reads else {})}

    @property
    def truncate_settings(self) -> dict[str, str]:
        """Those of the other function, which reads the table."""
        return {**SAFE, **self.forms, **SEES_ALL}

    @property
    def function(self) -> str:
        return f"capture_{self.id}"

    @property
    def truncate_function(self) -> str:
        return f"{self.function}_truncate"

    @property
    def trigger(self) -> str:
        return f"ringostat_sync_{self.id}"

    @property
    def truncate_trigger(self) -> str:
        return f"{self.trigger}_truncate"

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns by which an update is a change; empty for all of them. Those that name the contacts always count."""
        if not self.columns:
            return ()
        names = (self.key,) if self.key is not None else self.named or ()
        return tuple(dict.fromkeys((*names, *self.columns)))


def resolve_all(connection: psycopg.Connection[Any], mapping: Mapping) -> list[Resolved]:
    """Every watch of a mapping, each once. Raises ConfigError for the first that does not fit the database."""
    tables = find_tables(connection, watched_names(mapping))
    found = [resolve(tables, source, watch) for source in mapping.sources.values() for watch in source.triggered]
    return list({watch.id: watch for watch in found}.values())


def watched_names(mapping: Mapping) -> list[str]:
    """The tables that a mapping watches, as it writes them, each once."""
    return list(dict.fromkeys(watch.table for source in mapping.sources.values() for watch in source.triggered))


def resolve(tables: Tables, source: Source, watch: Watch) -> Resolved:
    """Compare a watch with its table. Raises ConfigError if the table or a column is not there."""
    table = watched_table(tables, source, watch)
    key = find_column(table, source, watch.key) if watch.key is not None else None
    columns = tuple(find_column(table, source, name) for name in watch.columns)
    _refuse_unseen(table, source, watch)
    definition = {
        "source": source.name,
        "table": table.name,
        "key": key,
        "keys": watch.keys,
        "columns": columns,
        "where": watch.where,
    }
    digest = blake2b(json.dumps(definition, sort_keys=True).encode(), digest_size=6).hexdigest()
    named = _named(table, source, watch)
    forms = _forms(table, (key,) if key is not None else named)
    return Resolved(digest, source, watch, table, key, columns, named, definition, forms)


def _forms(table: WatchedTable, columns: tuple[str, ...] | None) -> dict[str, str]:
    """The settings by which these columns (None: all) are written alike in every session."""
    if not (table.formed if columns is None else table.formed.intersection(columns)):
        return {}
    return {**WRITTEN_FORMS, "TimeZone": table.zone}


def _refuse_unseen(table: WatchedTable, source: Source, watch: Watch) -> None:
    """A trigger would see a null in it, and `where` would never hold."""
    for name in columns_named(watch.where or "") or ():
        if name in table.unseen:
            find_column(table, source, name)


def _named(table: WatchedTable, source: Source, watch: Watch) -> tuple[str, ...] | None:
    named = columns_named(watch.keys) if watch.keys is not None else ()
    if named is None:
        return None
    return tuple(find_column(table, source, quoted(name)) for name in named)
