"""How a source is read: the type of its key, and whether many keys can be read by one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from worker.database.sql import without_binds
from worker.read.faults import is_in_a_row

TRIAL_KEYS = 5
MANY_ROWS = 1_000
"""A plan that expects to touch this many rows for five keys …"""
COLLATED = {"text", "character varying", "bpchar", "character"}
LOOSE = """
SELECT n.name FROM (SELECT %s::text AS name) AS n
JOIN pg_catalog.pg_collation AS c ON c.oid = to_regcollation(n.name) WHERE NOT c.collisdeterministic
"""
TIMES_WORSE = 20
"""… and so many times the rows of a single key's plan has read the whole CRM."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The statements for a source. `many` takes an array of keys (text), `single` one key. `sample`: a few keys that there are.

    `collation` is a clause, and empty unless two spellings may be one key by it.
    """

    key_type: str
    collation: str
    many: str
    single: str
    one_by_one: bool
    rows_many: int
    rows_single: int
    sample: tuple[str, ...] = ()


def choose_plan(connection: psycopg.Connection[Any], query: str) -> Plan:
    """Find the key's type and hold EXPLAIN's estimates of both ways against each other. Reads no contact.

    Raises psycopg.Error if the query does not run.
    """
    inner = without_binds(query)
    key_type = find_key_type(connection, inner)
    head = f"SELECT q.key::text AS ringostat_sync_key, q.* FROM (\n{inner}\n) AS q WHERE q.key = "
    many = f"{head}ANY(CAST(%s::text[] AS {key_type}[]))"
    single = f"{head}CAST(%s::text AS {key_type})"
    sample = trial_keys(connection, inner)
    rows_many = touched(connection, many, [sample]) if sample else 0
    rows_single = touched(connection, single, [sample[0]]) if sample else 0
    one_by_one = rows_many > MANY_ROWS and rows_many > TIMES_WORSE * max(1, rows_single)
    collation = find_loose_collation(connection, inner, key_type)
    return Plan(key_type, collation, many, single, one_by_one, rows_many, rows_single, tuple(sample))


def find_key_type(connection: psycopg.Connection[Any], inner: str) -> str:
    """The key column's own type, so that its index serves. What fails for every key fails here, not contact by contact."""
    cursor = connection.execute(f"SELECT q.key, q.* FROM (\n{inner}\n) AS q LIMIT 0", [])
    # -1: without a length. NULL would name `character`, which cuts what is cast to it to a single letter, and `bit` likewise.
    row = connection.execute(
        "SELECT format_type(%s, -1)", [cursor.description[0].type_code if cursor.description else 25]
    ).fetchone()
    return str(row[0]) if row else "text"


def find_loose_collation(connection: psycopg.Connection[Any], inner: str, key_type: str) -> str:
    """The clause for the key's collation if that takes different spellings for equal; else nothing."""
    if key_type not in COLLATED:
        return ""
    # No row is read; the join makes one, for the collation is the expression's and not a value's.
    none = f"SELECT q.key FROM (\n{inner}\n) AS q LIMIT 0"
    column = f"SELECT pg_collation_for(k.key) FROM (SELECT) AS one LEFT JOIN ({none}) AS k ON true"
    name = connection.execute(column.encode(), []).fetchone()
    row = connection.execute(LOOSE, name).fetchone() if name and name[0] else None
    return f" COLLATE {row[0]}" if row else ""


def trial_keys(connection: psycopg.Connection[Any], inner: str) -> list[str]:
    """A few keys for EXPLAIN. A source that is slow to give even those, or one of whose rows can't be computed, is planned without."""
    try:
        rows = connection.execute(f"SELECT q.key::text FROM (\n{inner}\n) AS q LIMIT {TRIAL_KEYS}", []).fetchall()
    except psycopg.Error as error:
        if is_in_a_row(error) or isinstance(error, psycopg.errors.QueryCanceled):
            return []
        raise
    return [row[0] for row in rows if row[0] is not None]


def touched(connection: psycopg.Connection[Any], statement: str, parameters: list[Any]) -> int:
    """The most rows that any step of the plan expects."""
    with psycopg.ClientCursor(connection) as cursor:
        row = cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters).fetchone()
    return largest(row[0][0]["Plan"]) if row else 0


def largest(node: dict[str, Any]) -> int:
    """Estimated rows of the largest step; loops are not multiplied in."""
    return max([int(node.get("Plan Rows", 0)), *(largest(child) for child in node.get("Plans", []))])
