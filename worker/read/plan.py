"""How a source is read: the type of its key, and whether many keys can be read by one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from worker.database.sql import without_binds

TRIAL_KEYS = 5
MANY_ROWS = 1_000
"""A plan that expects to touch this many rows for five keys …"""
TIMES_WORSE = 20
"""… and so many times the rows of a single key's plan has read the whole CRM."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The statements for a source. `many` takes an array of keys (text), `single` one key."""

    key_type: str
    many: str
    single: str
    one_by_one: bool
    rows_many: int
    rows_single: int


def choose_plan(connection: psycopg.Connection[Any], query: str) -> Plan:
    """Find the key's type and hold EXPLAIN's estimates of both ways against each other. Reads no contact.

    Raises psycopg.Error where the query does not run.
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
    return Plan(key_type, many, single, one_by_one, rows_many, rows_single)


def find_key_type(connection: psycopg.Connection[Any], inner: str) -> str:
    """The key column's own type, so that its index serves. What fails whoever is asked for fails here, not contact by contact."""
    cursor = connection.execute(f"SELECT q.key, q.* FROM (\n{inner}\n) AS q LIMIT 0", [])
    # -1: without a length. NULL would name `character`, which cuts what is cast to it to a single letter, and `bit` likewise.
    row = connection.execute(
        "SELECT format_type(%s, -1)", [cursor.description[0].type_code if cursor.description else 25]
    ).fetchone()
    return str(row[0]) if row else "text"


def trial_keys(connection: psycopg.Connection[Any], inner: str) -> list[str]:
    """A few keys for EXPLAIN. A source that is slow to give even those, or one of whose rows can't be computed, is planned without."""
    try:
        rows = connection.execute(f"SELECT q.key::text FROM (\n{inner}\n) AS q LIMIT {TRIAL_KEYS}", []).fetchall()
    except (psycopg.DataError, psycopg.errors.QueryCanceled):
        return []
    return [row[0] for row in rows if row[0] is not None]


def touched(connection: psycopg.Connection[Any], statement: str, parameters: list[Any]) -> int:
    """The most rows that any step of the plan expects."""
    with psycopg.ClientCursor(connection) as cursor:
        row = cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters).fetchone()
    return largest(row[0][0]["Plan"]) if row else 0


def largest(node: dict[str, Any]) -> int:
    """Estimated rows of the largest step; loops are not multiplied in."""
    return max([int(node.get("Plan Rows", 0)), *(largest(child) for child in node.get("Plans", []))])
