"""The watched tables as PostgreSQL knows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from worker.config.model import Source, Watch
from worker.errors import ConfigError

FIND = """
SELECT c.oid, c.relkind, quote_ident(n.nspname) || '.' || quote_ident(c.relname)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(%s)
"""
COLUMNS = "SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped"


@dataclass(frozen=True, slots=True)
class WatchedTable:
    """A table: its oid, its name as SQL writes it, its columns."""

    oid: int
    name: str
    columns: tuple[str, ...]


def find_table(connection: psycopg.Connection[Any], source: Source, watch: Watch) -> WatchedTable:
    """The table of a watch. Raises ConfigError where it is not there, or is none that can bear triggers."""
    try:
        row = connection.execute(FIND, [watch.table]).fetchone()
    except psycopg.Error as error:
        raise ConfigError(f"Source {source.name!r} watches {watch.table}, which is no table's name.") from error
    if row is None:
        raise ConfigError(f"Source {source.name!r} watches {watch.table}, which is not in this database.")
    if row[1] not in {"r", "p"}:
        raise ConfigError(f"Source {source.name!r} watches {watch.table}, which is not a table: watch what it reads.")
    columns = connection.execute(COLUMNS, [row[0]]).fetchall()
    return WatchedTable(row[0], row[2], tuple(name for (name,) in columns))


def find_column(table: WatchedTable, source: Source, name: str) -> str:
    """A column by its exact name, or as SQL would read it. Raises ConfigError."""
    quoted = len(name) > 2 and name.startswith('"') and name.endswith('"')
    for candidate in (name, name[1:-1].replace('""', '"') if quoted else name.lower()):
        if candidate in table.columns:
            return candidate
    raise ConfigError(f"Source {source.name!r} watches {table.name}, which has no column {name}.")
