"""The trigger functions of a watch, as text."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from importlib.resources import files
from typing import Any

import psycopg
from psycopg import sql

from worker.capture.expansion import columns_named
from worker.capture.tables import WatchedTable, find_column, find_table
from worker.config.model import Source, Watch
from worker.config.query import clean_condition

FORM = 1
"""Raised when the functions' text changes, so that `install` replaces what an older version has left."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A watch held against the database: everything that its triggers are made from."""

    id: str
    source: Source
    watch: Watch
    table: WatchedTable
    key: str | None
    columns: tuple[str, ...]
    named: tuple[str, ...]
    definition: dict[str, Any]

    @property
    def function(self) -> str:
        return f"capture_{self.id}"

    @property
    def trigger(self) -> str:
        return f"ringostat_sync_{self.id}"


def resolve(connection: psycopg.Connection[Any], source: Source, watch: Watch) -> Installed:
    """Hold a watch against the database. Raises ConfigError where its table or a column is not there."""
    table = find_table(connection, source, watch)
    key = find_column(table, source, watch.key) if watch.key is not None else None
    columns = tuple(find_column(table, source, name) for name in watch.columns)
    named = tuple(find_column(table, source, f'"{name}"') for name in columns_named(watch.keys)) if watch.keys else ()
    definition = {
        "form": FORM,
        "source": source.name,
        "table": table.name,
        "key": key,
        "keys": watch.keys,
        "columns": columns,
        "where": watch.where,
    }
    digest = blake2b(json.dumps(definition, sort_keys=True).encode(), digest_size=6).hexdigest()
    return Installed(digest, source, watch, table, key, columns, named, definition)


def row_function(connection: psycopg.Connection[Any], watch: Installed) -> str:
    """The function of the row triggers."""

    def quoted(name: str) -> str:
        return sql.Identifier(name).as_string(connection)

    compared = [quoted(name) for name in (*watch.columns, *([watch.key] if watch.key else []))]
    values = {side: _value(watch, side, quoted) for side in ("OLD", "NEW")}
    return _filled(
        "row_function",
        function=quoted(watch.function),
        kind="text" if watch.key else "jsonb",
        unchanged=_unchanged(compared if watch.columns else []),
        where=f"coalesce((\n{clean_condition(watch.watch.where)}), false)" if watch.watch.where else "true",
        old_value=values["OLD"][0],
        new_value=values["NEW"][0],
        old_fallback=values["OLD"][1],
        new_fallback=values["NEW"][1],
        insert_old=_insert(connection, watch, "VALUES ({})", "rs_old"),
        insert_new=_insert(connection, watch, "VALUES ({})", "rs_new"),
    )


def truncate_function(connection: psycopg.Connection[Any], watch: Installed) -> str:
    """The function of the TRUNCATE trigger."""

    def quoted(name: str) -> str:
        return sql.Identifier(name).as_string(connection)

    value, _ = _value(watch, "changed", quoted)
    every = _insert(connection, watch, "SELECT DISTINCT {} FROM <table> AS changed WHERE true", value)
    if watch.key:
        every += f" AND changed.{quoted(watch.key)} IS NOT NULL"
    where = f" AND (\n{clean_condition(watch.watch.where)})" if watch.watch.where else ""
    return _filled(
        "truncate_function",
        function=quoted(f"{watch.function}_truncate"),
        insert_where=sql.Literal(every + where).as_string(connection),
        insert_all=sql.Literal(every).as_string(connection),
    )


def _filled(name: str, **values: str) -> str:
    text = (files(__package__) / f"{name}.sql").read_text(encoding="utf-8")
    for place, value in values.items():
        text = text.replace(f"{{{place}}}", value)
    return text


def _unchanged(compared: list[str]) -> str:
    if not compared:
        return "OLD OPERATOR(pg_catalog.*=) NEW"
    old, new = (", ".join(f"{side}.{name}" for name in compared) for side in ("OLD", "NEW"))
    # Without the casts PostgreSQL would compare column by column, for which some types have no operator.
    return f"ROW({old})::record OPERATOR(pg_catalog.*=) ROW({new})::record"


def _value(watch: Installed, side: str, quoted: Any) -> tuple[str, str]:
    """What is written of a row, and what instead where a column is gone."""
    if watch.key:
        return f"{side}.{quoted(watch.key)}::text", f"to_jsonb({side}) ->> {_literal(watch.key)}"
    if not watch.named:
        return f"to_jsonb({side})", "NULL"
    pairs = ", ".join(f"{_literal(name)}, {side}.{quoted(name)}" for name in watch.named)
    return f"jsonb_build_object({pairs})", f"to_jsonb({side})"


def _insert(connection: psycopg.Connection[Any], watch: Installed, rows: str, value: str) -> str:
    source = sql.Literal(watch.source.name).as_string(connection)
    if watch.key:
        return "INSERT INTO ringostat_sync.outbox (source, key) " + rows.format(f"{source}, {value}")
    given = f"{source}, {_literal(watch.id)}, {value}"
    return "INSERT INTO ringostat_sync.outbox (source, watch, changed) " + rows.format(given)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
