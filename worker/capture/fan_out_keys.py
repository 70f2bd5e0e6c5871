"""A `keys` SELECT: which columns of the changed row it needs, and how it is run for one of them."""

from __future__ import annotations

from worker.capture.tables import folded, quoted
from worker.config.query import clean_query
from worker.config.sql_tokens import Kind, tokens
from worker.database.sql import without_binds

_BIND = "\0"
"""Stands for the bind until the user's own % are doubled; no SQL holds it."""


def columns_named(keys: str) -> tuple[str, ...] | None:
    """The columns of `changed` that a SELECT names, without repeats; None where it takes the row as a whole.

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


def fan_out_sql(table: str, keys: str) -> str:
    """The SELECT that finds the contacts of one changed row: one column, `key`, as text, without repeats and nulls.

    `table` is quoted as in SQL. The bind is `%(changed)s`, a jsonb of the columns that `keys` names. The row has no
    others: a column that capture did not keep is then an error, and not a null that finds nobody.
    """
    return _bound(
        f"SELECT DISTINCT k.key::text AS key FROM {_changed_row(table, keys)},"
        f" LATERAL (\n{clean_query(keys)}) AS k (key) WHERE k.key IS NOT NULL"
    )


def one_column_sql(table: str, keys: str) -> str:
    """A SELECT with the same bind, by which PostgreSQL tells that `keys` has more columns than one."""
    return _bound(f"SELECT ARRAY(\n{clean_query(keys)}) FROM {_changed_row(table, keys)}")


def _bound(statement: str) -> str:
    return without_binds(statement).replace(_BIND, "%(changed)s::jsonb")


def _changed_row(table: str, keys: str) -> str:
    named = columns_named(keys)
    row = f"jsonb_populate_record(NULL::{table}, {_BIND})"
    if named is None:
        return f"{row} AS changed"
    columns = ", ".join(quoted(name) for name in named)
    return f"(SELECT {columns} FROM {row}) AS changed"
