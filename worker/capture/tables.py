"""The watched tables as PostgreSQL knows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from worker.config.model import Source, Watch
from worker.errors import ConfigError

FIND = """
SELECT c.oid, c.relkind, quote_ident(n.nspname) || '.' || quote_ident(c.relname)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(%s)
"""
COLUMNS = """
SELECT attname, attgenerated = 'v' FROM pg_catalog.pg_attribute
WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped
"""
PARTITIONS = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
FROM pg_catalog.pg_partition_tree(%s) AS p
JOIN pg_catalog.pg_class AS c ON c.oid = p.relid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE p.level > 0 AND c.relkind IN ('r', 'p')
ORDER BY p.level, 1
"""


@dataclass(frozen=True, slots=True)
class WatchedTable:
    """A table: its name as SQL writes it, its columns, and the names of its partitions, of all levels.

    `unseen` are the virtual generated columns: PostgreSQL shows triggers a null there.
    """

    name: str
    columns: tuple[str, ...]
    unseen: frozenset[str]
    partitions: tuple[str, ...]


def find_table(connection: psycopg.Connection[Any], source: Source, watch: Watch) -> WatchedTable:
    """The table of a watch. Raises ConfigError where it is not there, or is none that can bear triggers."""
    told = f"Source {source.name!r} watches {watch.table}, which"
    try:
        row = connection.execute(FIND, [watch.table]).fetchone()
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigError(f"{told} this role may not see: grant it USAGE on the table's schema.") from error
    except (psycopg.DataError, psycopg.ProgrammingError, psycopg.NotSupportedError) as error:
        raise ConfigError(f"{told} is no table's name.") from error
    if row is None:
        raise ConfigError(f"{told} is not in this database.")
    oid, kind, name = row
    if kind not in {"r", "p"}:
        raise ConfigError(f"{told} is not a table: watch what it reads.")
    columns = connection.execute(COLUMNS, [oid]).fetchall()
    partitions = connection.execute(PARTITIONS, [oid]).fetchall() if kind == "p" else []
    return WatchedTable(
        name,
        tuple(column for column, _ in columns),
        frozenset(column for column, virtual in columns if virtual),
        tuple(partition for (partition,) in partitions),
    )


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
    return "".join(dead_letter.lower() if dead_letter.isascii() else dead_letter for dead_letter in name)


def quoted(name: str) -> str:
    """The opposite: a column's name as SQL writes it."""
    return sql.Identifier(name).as_string(None)
