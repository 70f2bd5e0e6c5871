"""A `keys` SELECT: which columns of the changed row it needs, and how it is run for one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from worker.capture.tables import folded, quoted
from worker.config.query import clean_query
from worker.config.sql_tokens import Kind, tokens
from worker.database.sql import sql_text, without_binds

Types = Mapping[str, str]
_BIND = "\0"
"""Stands for the bind until the user's own % are doubled; no SQL holds it."""


def columns_named(keys: str) -> tuple[str, ...] | None:
    """The columns of `changed` that a SELECT names, without repeats; None if it takes the row as a whole.

    Raises ConfigError for SQL that leaves a quote or a comment open.
    """
    words = [token.text for token in tokens(keys) if token.kind not in {Kind.SPACE, Kind.COMMENT}]
    named: list[str] = []
    for place, word in enumerate(words):
        if folded(word) != "changed" or (place and words[place - 1] == "."):
            continue
        dot, name, *_ = [*words[place + 1 : place + 3], "", ""]
        if dot != "." or name == "*":
            return None
        named.append(folded(name))
    return tuple(dict.fromkeys(named))


def column_types(connection: psycopg.Connection[Any], table: str, keys: str) -> Types:
    """The types of the columns of `table` that a SELECT names, by name, as far as they are there. Raises psycopg.Error."""
    values = {"table": table, "columns": list(columns_named(keys) or ())}
    return dict(connection.execute(sql_text(__package__, "column_types").encode(), values).fetchall())


def fan_out_sql(table: str, keys: str, types: Types) -> str:
    """The SELECT that finds the contacts of one changed row: one column, `key`, as text, without repeats and nulls.

    `table` is quoted as in SQL. The bind is `%(changed)s`, a jsonb of the columns that `keys` names. The row has no
    others: a column that capture did not keep is then an error, and not a null that finds no contact.
    """
    # By the letters: a collation may take two keys for one.
    return _bound(
        f'SELECT DISTINCT k.key::text COLLATE "C" AS key FROM {_changed_row(table, keys, types)},'
        f" LATERAL (\n{clean_query(keys)}) AS k (key) WHERE k.key IS NOT NULL"
    )


def one_column_sql(table: str, keys: str, types: Types) -> str:
    """A SELECT with the same bind, by which PostgreSQL tells that `keys` has more columns than one."""
    return _bound(f"SELECT ARRAY(\n{clean_query(keys)}) FROM {_changed_row(table, keys, types)}")


def _bound(statement: str) -> str:
    return without_binds(statement).replace(_BIND, "%(changed)s::jsonb")


def _changed_row(table: str, keys: str, types: Types) -> str:
    named = columns_named(keys)
    if named == ():
        return "(SELECT) AS changed"
    if named is not None and types.keys() >= set(named):
        return f"jsonb_to_record({_BIND}) AS changed ({', '.join(f'{quoted(name)} {types[name]}' for name in named)})"
    # The row as a whole, or with a column that is gone: PostgreSQL says so.
    row = f"jsonb_populate_record(NULL::{table}, {_BIND})"
    columns = ", ".join(quoted(name) for name in named or ())
    return f"(SELECT {columns} FROM {row}) AS changed" if named is not None else f"{row} AS changed"
