"""Which tables and columns a query uses: a temporary view of it, and what PostgreSQL writes down of a view."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from worker.database.sql import sql_text
from worker.errors import first_line
from worker.operate.check.lineage import Lineage, Reference
from worker.operate.check.query import relations_in
from worker.operate.check.tree import UnreadableTreeError, parse
from worker.operate.check.tree_lineage import read_lineage

VIEW = "CREATE TEMP VIEW ringostat_sync_query AS SELECT count(*) FROM (\n{query}\n) AS q"
EQUAL = "SELECT oid::text FROM pg_catalog.pg_operator WHERE oprname = '='"
IN_PLAN = """
SELECT DISTINCT coalesce(pg_partition_root(c.oid), c.oid)::oid
FROM jsonb_array_elements(%s::jsonb) AS a
JOIN pg_catalog.pg_namespace AS n ON n.nspname = a ->> 0
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = a ->> 1
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
"""
TABLES = {"r", "p"}
"""What can have our triggers, by `pg_class.relkind`."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, view or the like, as the catalogs have it.

    `columns` are names by number, `categories` their types' (numbers, strings, …) as in pg_type.
    `id` the one column of its primary key; `made_of` the columns that a virtual one is made of;
    `children` inherit from it; `policies` are those that hide rows from this role, None if none may. `rows` is an estimate.
    """

    oid: int
    name: str
    kind: str
    readable: bool
    rows: float
    columns: dict[int, str]
    categories: dict[int, str]
    id: str | None
    made_of: list[tuple[str, str]]
    children: list[int]
    foreign_parts: list[str]
    policies: list[str] | None


@dataclass(frozen=True, slots=True)
class Uses:
    """What a query uses. `columns`: by table, None if it is not known which; `doubt` says why something is not known.

    `functions` are those whose body can't be read; `in_functions` the tables that others read.
    """

    tables: dict[int, Table]
    columns: dict[int, frozenset[int] | None]
    functions: list[str] = field(default_factory=list)
    in_functions: frozenset[int] = frozenset()
    lineage: Lineage | None = None
    doubt: str | None = None


def find_uses(connection: psycopg.Connection[Any], query: str, wanted: Collection[str]) -> Uses:
    """What a query uses, of which the columns in `wanted` are sent. It reads no row, and leaves nothing behind.

    Where it may make no temporary view, as on a standby, tables alone are known, from the plan.
    Raises psycopg.Error if the query does not run.
    """
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET TRANSACTION READ WRITE")
            connection.execute(VIEW.format(query=query).encode())
            row = connection.execute("SELECT 'pg_temp.ringostat_sync_query'::regclass::oid").fetchone()
            return _by_view(connection, row[0] if row else 0, wanted)
    except psycopg.Error as error:
        return _by_plan(connection, query, first_line(error))


def _by_view(connection: psycopg.Connection[Any], view: int, wanted: Collection[str]) -> Uses:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(sql_text(__package__, "uses").encode(), {"view": view}).fetchall()
    read = [row for row in rows if row["oid"] is not None]
    tables = _tables(connection, {row["oid"] for row in read})
    columns: dict[int, frozenset[int] | None] = {
        oid: frozenset(row["number"] for row in read if row["oid"] == oid and row["number"])
        for oid in {row["oid"] for row in read if tables[row["oid"]].kind != "v"}
    }
    functions = [row["function"] for row in rows if row["oid"] is None]
    in_functions = frozenset(row["oid"] for row in read if row["in_function"])
    try:
        lineage = _lineage(connection, view, tables, wanted)
    except UnreadableTreeError as error:
        return Uses(tables, columns, functions, in_functions, doubt=f"how they lead to its key is not known ({error})")
    return Uses(tables, columns, functions, in_functions, lineage)


def _lineage(
    connection: psycopg.Connection[Any], view: int, tables: dict[int, Table], wanted: Collection[str]
) -> Lineage:
    views = [view, *(table.oid for table in tables.values() if table.kind == "v")]
    found = connection.execute(sql_text(__package__, "trees").encode(), {"views": views}).fetchall()
    trees = {oid: parse(tree) for oid, tree in found}
    equal = {oid for (oid,) in connection.execute(EQUAL).fetchall()}
    lineage = read_lineage(trees.pop(view), views=trees, tables=tables, equal_operators=equal, wanted=wanted)
    with connection.cursor(row_factory=class_row(Reference)) as cursor:
        lineage.join_by(cursor.execute(sql_text(__package__, "references").encode(), {"oids": list(tables)}).fetchall())
    return lineage


def _by_plan(connection: psycopg.Connection[Any], query: str, reason: str) -> Uses:
    row = connection.execute(f"EXPLAIN (VERBOSE, FORMAT JSON) {query}".encode()).fetchone()
    named = [list(pair) for pair in relations_in(row[0][0]["Plan"])] if row else []
    oids = {oid for (oid,) in connection.execute(IN_PLAN, [Jsonb(named)]).fetchall()}
    return Uses(
        _tables(connection, oids),
        dict.fromkeys(oids),
        doubt=f"which columns it uses is not known, as no temporary view can be made ({reason})",
    )


def _tables(connection: psycopg.Connection[Any], oids: Collection[int]) -> dict[int, Table]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(sql_text(__package__, "relations").encode(), {"oids": list(oids)}).fetchall()
    return {row["oid"]: _table(row) for row in rows}


def _table(row: dict[str, Any]) -> Table:
    names = {number: name for number, name, _ in row["columns"]}
    categories = {number: category for number, _, category in row["columns"]}
    made_of = [(made, of) for made, of in row["made_of"]]
    return Table(**row | {"columns": names, "categories": categories, "made_of": made_of})
