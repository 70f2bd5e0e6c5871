"""A source's query by itself: does it run, has it a key, and columns that the API knows?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from worker.config.model import Source
from worker.config.sql_tokens import Kind, tokens
from worker.document.build import columns_read
from worker.errors import first_line
from worker.operate.check.finding import Finding, examples, warning
from worker.read.faults import is_in_a_row
from worker.read.plan import TRIAL_KEYS, Plan, choose_plan
from worker.read.reader import ROW_KEY, fetch

Rows = list[dict[str, Any]]
MANY_FOR_ONE = 10_000
"""Rows of a table, from which on a person should know that all of it is read for one key."""
LARGE = """
SELECT DISTINCT quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.reltuples::bigint
FROM jsonb_array_elements(%s::jsonb) AS a
JOIN pg_catalog.pg_namespace AS n ON n.nspname = a ->> 0
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = a ->> 1
WHERE c.reltuples >= %s ORDER BY 1
"""
NOT_SENT = {"watermark"}
"""Columns that the query may have beside those of a document."""
RELATIONS = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), lower(c.relname)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND n.nspname !~ '^(pg_|information_schema$)'
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Read:
    """What a query gives: how it is read, and its rows; or the error where one of them can't be computed, or all take too long."""

    plan: Plan
    rows: Rows | psycopg.Error


def describe(connection: psycopg.Connection[Any], query: str) -> list[str]:
    """The names of a query's columns. Raises psycopg.Error if it does not run."""
    cursor = connection.execute(f"SELECT * FROM (\n{query}\n) AS q LIMIT 0".encode())
    return [column.name for column in cursor.description or []]


def read(connection: psycopg.Connection[Any], query: str, sample: int) -> Read:
    """The plan, and at most `sample` rows with a key. Raises psycopg.Error if it fails for every key."""
    plan = choose_plan(connection, query)
    statement = f"SELECT q.key::text AS {ROW_KEY}, q.* FROM (\n{query}\n) AS q WHERE q.key IS NOT NULL LIMIT {sample}"
    with connection.cursor(row_factory=dict_row) as cursor:
        try:
            return Read(plan, cursor.execute(statement.encode()).fetchall())
        except psycopg.Error as error:
            if is_in_a_row(error) or isinstance(error, psycopg.errors.QueryCanceled):
                return Read(plan, error)
            raise


def why(connection: psycopg.Connection[Any], error: psycopg.Error) -> str:
    """PostgreSQL's words, its hint, and the tables that a name which it does not know may mean."""
    told = first_line(error)
    hint = error.diag.message_hint or ""
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return f"{told}; grant {connection.info.user} USAGE on its schema and SELECT on what the query reads"
    if isinstance(error, psycopg.errors.UndefinedTable) and (found := re.search(r'["«„“](.+)["»“”]', told)):
        return told + similar_tables(connection, found[1])
    return f"{told}. {hint}" if "meant" in hint else told


def similar_tables(connection: psycopg.Connection[Any], name: str) -> str:
    """The end of a sentence about a table that is not there: which it may be; blank if there is none like it."""
    known = connection.execute(RELATIONS).fetchall()
    bare = name.rpartition(".")[2].strip('"').lower()
    same = [table for table, known_name in known if known_name == bare]
    close = get_close_matches(bare, {known_name for _, known_name in known}, n=1, cutoff=0.75)
    likely = same or [table for table, known_name in known if known_name in close]
    return f"; write {likely[0]} if that is meant" if likely else ""


def key_problem(names: Sequence[str]) -> str | None:
    """What is wrong with the column `key`; None if there is one."""
    if names.count("key") == 1:
        return None
    if "key" in names:
        return "the query has more than one column `key`: give one to each contact's id alone"
    for name in names:
        if name.lower() == "key":
            return f'its column "{name}" must be `key` in small letters: write AS key'
    example = f"{next((name for name in names if name.lower() in {'id', 'uuid'}), 'c.id')} AS key"
    return f"the query has no column `key`: name the contact's own id so (such as {example})"


def limited(source: Source, query: str) -> Iterator[Finding]:
    """A LIMIT of the whole query, left over from trying it out."""
    depth = 0
    for token in tokens(query):
        depth += (token.text == "(") - (token.text == ")")
        if not depth and token.kind is Kind.WORD and token.text.upper() in {"LIMIT", "FETCH"}:
            yield warning(
                f"{source.name}: the query ends with {token.text.upper()}: contacts beyond it are absent, and none is read by"
                " its index: take it out"
            )


def columns(source: Source, names: Sequence[str]) -> Iterator[Finding]:
    """Columns that no document is made from: their names are misspelt, or small because they have no quotes."""
    known = {name.lower(): name for name in columns_read(source.method)}
    unknown = [name for name in names if name not in known.values() and name not in NOT_SENT]
    if unknown:
        told = [
            f'{name} (write it in quotes: AS "{known[name.lower()]}")' if name.lower() in known else name
            for name in unknown
        ]
        yield warning(f"{source.name}: columns that the API does not know are not sent: {', '.join(told)}")
    if twice := [name for name, count in Counter(names).items() if count > 1 and name in known.values()]:
        yield warning(f"{source.name}: columns that come twice, of which the last one counts: {', '.join(twice)}")


def by_key(connection: psycopg.Connection[Any], source: Source, found: Read) -> Iterator[Finding]:
    """A few contacts, read as the worker reads them."""
    rows = found.rows if isinstance(found.rows, list) else []
    try:
        fetch(connection, found.plan, [str(row[ROW_KEY]) for row in rows[:TRIAL_KEYS]])
    except psycopg.Error as error:
        if is_in_a_row(error):
            return
        yield Finding(f"{source.name}: no contact can be read by its key: {first_line(error)}", stops=True)


def speed(source: Source, plan: Plan) -> Iterator[Finding]:
    """A plan that reads the whole CRM for a few contacts."""
    if plan.one_by_one:
        yield warning(
            f"{source.name}: for five keys PostgreSQL would read {plan.rows_many} rows, for one key {plan.rows_single}; so keys are"
            " read one by one. Correlated sub-selects or LATERAL instead of a joined aggregate are faster"
        )


def scans(connection: psycopg.Connection[Any], source: Source, found: Read) -> Iterator[Finding]:
    """Large tables that PostgreSQL would read from end to end for a single key. Raises psycopg.Error."""
    if isinstance(found.rows, list) and found.rows:
        with psycopg.ClientCursor(connection) as cursor:
            explained = cursor.execute(
                f"EXPLAIN (VERBOSE, FORMAT JSON) {found.plan.single}", [str(found.rows[0][ROW_KEY])]
            )
            row = explained.fetchone()
        read_whole = [list(pair) for pair in relations_in(row[0][0]["Plan"], kind="Seq Scan")] if row else []
        for name, rows in connection.execute(LARGE, [Jsonb(read_whole), MANY_FOR_ONE]).fetchall():
            yield warning(
                f"{source.name}: for a single key PostgreSQL would read all of {name} (about {rows} rows): let an index serve"
                " the key (a cast such as id::text hides it), and each column by which a table is joined"
            )


def relations_in(node: dict[str, Any], kind: str = "") -> Iterator[tuple[str, str]]:
    """The tables in a plan (EXPLAIN VERBOSE) by schema and name; of one kind of step, or of all."""
    if "Relation Name" in node and kind in {"", node["Node Type"]}:
        yield node["Schema"], node["Relation Name"]
    for child in node.get("Plans", []):
        yield from relations_in(child, kind)


def keys(connection: psycopg.Connection[Any], source: Source, query: str) -> Iterator[Finding]:
    """Keys that come more than once, or not at all."""
    each = (
        f"SELECT q.key::text AS key FROM (\n{query}\n) AS q WHERE q.key IS NOT NULL GROUP BY q.key HAVING count(*) > 1"
    )
    repeated = f"SELECT count(*), (array_agg(r.key ORDER BY r.key))[1:4] FROM ({each}) AS r"
    without = f"SELECT count(*) FROM (\n{query}\n) AS q WHERE q.key IS NULL"
    try:
        count, some = connection.execute(repeated.encode()).fetchone() or (0, [])
        if count:
            yield warning(
                f"{source.name}: keys that come more than once: {count} ({examples(some)}); each becomes a dead letter."
                " A join repeats a contact: put what it adds into a sub-select"
            )
        (count,) = connection.execute(without.encode()).fetchone() or (0,)
        if count:
            yield warning(f"{source.name}: rows without a key: {count}; they are not sent")
    except psycopg.errors.QueryCanceled:
        yield warning(f"{source.name}: to read all of its keys takes too long, so they were not counted")
    except psycopg.Error as error:
        if not is_in_a_row(error):
            raise
        problem = f"a row can't be computed ({first_line(error)}): `backfill`, which needs them all, fails"
        yield warning(f"{source.name}: {problem}")
