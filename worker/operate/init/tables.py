"""The tables of a CRM's database, as far as `init` looks at them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.rows import dict_row

PATIENCE = "-c statement_timeout=10s -c default_transaction_read_only=on"
CONNECT_TIMEOUT = 5
"""Seconds."""
TEXTS = {"text", "character varying", "character", "citext"}
NUMBERS = {"integer", "bigint", "numeric"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `quoted` as SQL writes it, `type` without its length, `refers_to` the id of the table that it points to."""

    name: str
    quoted: str
    type: str
    is_key: bool = False
    refers_to: int | None = None

    @property
    def words(self) -> tuple[str, ...]:
        return words(self.name)


@dataclass(frozen=True, slots=True)
class Table:
    """A table: `quoted` with its schema, as SQL writes it."""

    id: int
    name: str
    quoted: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> Column | None:
        """The primary key, if it is one column."""
        return next((column for column in self.columns if column.is_key), None)

    @property
    def words(self) -> tuple[str, ...]:
        return words(self.name)


def read_tables(url: str) -> list[Table]:
    """All tables that the role may read, in the order of their names. Raises psycopg.Error."""
    statement = (files(__package__) / "tables.sql").read_bytes()
    with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT, options=PATIENCE, row_factory=dict_row) as connection:
        return list(_grouped(connection.execute(statement).fetchall()))


@lru_cache(maxsize=100_000)
def words(name: str) -> tuple[str, ...]:
    """A name's words in small letters: `accountOwner_id` is account, owner, id."""
    parts = re.findall(r"[^\W\d_]+|\d+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name))
    return tuple(part.lower() for part in parts) or (name.lower(),)


def singular(word: str) -> str:
    """An English word without the ending of its plural."""
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _grouped(rows: Iterable[dict[str, Any]]) -> Iterator[Table]:
    found: dict[int, tuple[str, str, list[Column]]] = {}
    for row in rows:
        column = Column(row["name"], row["quoted"], row["type"], row["is_key"], row["refers_to"])
        found.setdefault(row["table_id"], (row["table_name"], row["quoted_table"], []))[2].append(column)
    for number, (name, quoted, columns) in found.items():
        yield Table(number, name, quoted, tuple(columns))
