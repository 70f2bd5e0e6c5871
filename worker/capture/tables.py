"""The watched tables as PostgreSQL knows them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from worker.config.model import Source, Watch
from worker.config.sql_tokens import Kind, tokens
from worker.database.sql import sql_text
from worker.errors import ConfigError

NOT_A_NAME = "is no table's name."
NOT_THERE = "is not in this database."
NOT_SEEN = "this role may not see: grant it USAGE on the table's schema."
NOT_A_TABLE = "is not a table: watch what it reads."


@dataclass(frozen=True, slots=True)
class WatchedTable:
    """A table: its oid, its name as SQL writes it, and its columns with their types.

    `unseen` are the virtual generated columns: PostgreSQL shows triggers a null there. `formed` are those whose text follows settings
    of the session that writes it (dates, floats, bytea …), one of which is `zone`, this session's own, quoted. `partitions` are those
    of all levels, `children` the tables that inherit from it, which are no part of it. `replicated`: a subscription writes into it.
    """

    oid: int
    name: str
    types: Mapping[str, str]
    columns: tuple[str, ...]
    unseen: frozenset[str]
    partitions: tuple[str, ...]
    children: tuple[str, ...] = ()
    replicated: bool = False
    formed: frozenset[str] = frozenset()
    zone: str = "'UTC'"


Tables = Mapping[str, WatchedTable | str]
"""Tables by their names as written; or the end of a sentence that says why there is none."""


def find_tables(connection: psycopg.Connection[Any], names: Iterable[str], installed: Collection[str] = ()) -> Tables:
    """The tables of these names, by one statement that reads catalogs alone.

    `installed`: tables that a name without a schema may mean, besides what this session's search_path finds.
    """
    (database,) = connection.execute("SELECT current_database()").fetchone() or ("",)
    parts = {name: _schema_and_table(name, database) for name in names}
    asked = {name: pair for name, pair in parts.items() if pair is not None}
    with connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(sql_text(__package__, "tables").encode(), {"names": Jsonb(asked), "installed": list(installed)})
        found = {row["written"]: _table(row) for row in cursor}
    return {name: NOT_A_NAME if pair is None else found.get(name, NOT_THERE) for name, pair in parts.items()}


def watched_table(tables: Tables, source: Source, watch: Watch) -> WatchedTable:
    """The table of a watch. Raises ConfigError if it is not there, or is none that can have triggers."""
    found = tables[watch.table]
    if isinstance(found, str):
        raise ConfigError(f"Source {source.name!r} watches {watch.table}, which {found}")
    return found


def find_column(table: WatchedTable, source: Source, name: str) -> str:
    """A column by its exact name, or as SQL would read it. Raises ConfigError."""
    for candidate in (name, folded(name)):
        if candidate in table.unseen:
            raise ConfigError(
                f"Source {source.name!r} watches {table.name}, whose column {name} is virtual, and triggers see nothing"
                " in it: name the columns that it is made of."
            )
        if candidate in table.columns:
            return candidate
    raise ConfigError(f"Source {source.name!r} watches {table.name}, which has no column {name}.")


def folded(name: str) -> str:
    """A column's name as PostgreSQL reads it: without its quotes, or else in small letters (of ASCII alone)."""
    if len(name) > 2 and name.startswith('"') and name.endswith('"'):
        return name[1:-1].replace('""', '"')
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def quoted(name: str) -> str:
    """The opposite: a column's name as SQL writes it."""
    return sql.Identifier(name).as_string(None)


def _schema_and_table(name: str, database: str) -> tuple[str | None, str] | None:
    """The parts of a name, as PostgreSQL reads it; None if it reads none."""
    try:
        words = [token for token in tokens(name) if token.kind is not Kind.SPACE]
    except ConfigError:
        return None
    parts = [folded(word.text) for word in words[::2]]
    if not all(word.kind is Kind.WORD or re.fullmatch('"(?s:.)+"', word.text) for word in words[::2]):
        return None
    if not len(words) % 2 or any(word.text != "." for word in words[1::2]):
        return None
    if len(parts) == 3 and parts[0] == database:
        parts = parts[1:]
    return (parts[-2] if len(parts) == 2 else None, parts[-1]) if len(parts) in {1, 2} else None


def _table(row: dict[str, Any]) -> WatchedTable | str:
    if not row["may_see"]:
        return NOT_SEEN
    if row["relkind"] not in {"r", "p"}:
        return NOT_A_TABLE
    return WatchedTable(
        oid=row["oid"],
        name=row["name"],
        types=row["types"],
        columns=tuple(row["columns"]),
        unseen=frozenset(row["unseen"]),
        partitions=tuple(row["partitions"]),
        children=tuple(row["children"]),
        replicated=row["replicated"],
        formed=frozenset(row["formed"]),
        zone=row["zone"],
    )
