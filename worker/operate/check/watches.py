"""A source's watches by themselves: do they fit their tables, do their conditions hold or fail, do they name the query's keys?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from worker.capture.fan_out_keys import column_types, fan_out_sql
from worker.capture.functions import value
from worker.capture.proof import explain_keys, prove_where
from worker.capture.resolve import Resolved, resolve
from worker.capture.tables import NOT_THERE, WatchedTable, find_tables
from worker.config.model import Source, Watch
from worker.config.query import clean_condition
from worker.errors import ConfigError, first_line
from worker.operate.check.finding import Finding, warning
from worker.operate.check.query import similar_tables
from worker.operate.check.suggest import Direction
from worker.read.faults import is_in_a_row
from worker.read.plan import Plan
from worker.read.reader import fetch

Session = psycopg.Connection[Any]

SAMPLE = 1_000
"""Rows of a watched table that are looked at, spread over all of it."""
KEYS = 50
"""Keys of those rows that are looked for in the query."""
FAN_OUTS = 5
"""Rows whose `keys` SELECT is run, each for so many keys at most."""
SAFE_PATH = "SET LOCAL search_path = pg_catalog, pg_temp"
"""Under which the triggers' functions run: names without a schema mean nothing there."""
MISMATCH = ("22P02", "22003")
"""SQLSTATEs of a text that is no value of the key's type, or lies outside its range."""


def resolved(session: Session, source: Source) -> tuple[list[Resolved], list[Finding]]:
    """The watches that fit their tables, and a line for each of the others."""
    tables = find_tables(session, [watch.table for watch in source.watches])
    found: list[Resolved] = []
    problems: list[Finding] = []
    for watch in source.watches:
        try:
            found.append(resolve(tables, source, watch))
        except ConfigError as error:
            table = tables[watch.table]
            told = str(error)
            if table == NOT_THERE:
                told = told.rstrip(".") + (similar_tables(session, watch.table) or ".")
            broken = isinstance(table, WatchedTable) and _broken_keys(session, source, table.name, watch)
            problems.append(broken or warning(f"{source.name}: {told}"))
    return found, problems


def runs(session: Session, table: str, keys: str) -> bool:
    """Whether PostgreSQL can run a `keys` SELECT for this table's rows."""
    try:
        with session.transaction(force_rollback=True):
            session.execute(SAFE_PATH)
            explain_keys(session, table, keys)
    except psycopg.Error:
        return False
    return True


def faults(session: Session, source: Source, watch: Resolved) -> Iterator[Finding]:
    """What makes `capture install` refuse a watch, or pauses the project as soon as a row changes."""
    on = f"of the watch on {watch.table.name}"
    try:
        with session.transaction(force_rollback=True):
            session.execute(SAFE_PATH)
            prove_where(session, watch)
    except psycopg.Error as error:
        yield warning(f"{source.name}: `where` {on} fails, and `capture install` will refuse it: {first_line(error)}")
    if broken := _broken_keys(session, source, watch.table.name, watch.watch):
        yield broken


def _broken_keys(session: Session, source: Source, table: str, watch: Watch) -> Finding | None:
    try:
        with session.transaction(force_rollback=True):
            session.execute(SAFE_PATH)
            if watch.keys is not None:
                explain_keys(session, table, watch.keys)
    except psycopg.Error as error:
        told = f"{source.name}: `keys` of the watch on {table} fails: {first_line(error)}"
        hint = "; name tables with their schemas" if isinstance(error, psycopg.errors.UndefinedTable) else ""
        return Finding(told + hint, stops=True)
    return None


def null_where(session: Session, source: Source, watch: Resolved, rows: float) -> Iterator[Finding]:
    """A `where` that is neither true nor false for some rows, whose changes are then left out. Raises psycopg.Error."""
    if watch.watch.where is None:
        return
    where = clean_condition(watch.watch.where)
    each = f"SELECT (\n{where}) IS NULL AS unknown FROM {_sampled(watch, rows)} LIMIT {10 * SAMPLE}"
    counted = f"SELECT count(*) FILTER (WHERE s.unknown), count(*) FROM ({each}) AS s"
    unknown, of = session.execute(counted.encode()).fetchone() or (0, 0)
    if unknown:
        yield warning(
            f"{source.name}: `where` of the watch on {watch.table.name} is null for {unknown} of {of} rows, which counts as"
            " false: their changes are not seen. Write IS DISTINCT FROM instead of <>, or OR … IS NULL"
        )


def strange_keys(
    session: Session, source: Source, watch: Resolved, rows: float, plan: Plan, ways: Sequence[Direction]
) -> Iterator[Finding]:
    """A watch that finds keys, and none of the query's; `ways` are those by which the query itself leads from such a row to its key.

    Raises psycopg.Error.
    """
    if watch.key is not None and ways:
        return  # its column is held against the query's own conditions
    some = _sample(session, watch, rows)
    keys = some if watch.key is not None else _fanned_out(session, watch.table.name, watch.watch.keys or "", some)
    if not keys:
        return
    right = [key for way in ways for key in _by_way(session, watch, way, some)]
    if set(keys).isdisjoint(right) if right else not _returned(session, plan, keys):
        by = watch.key or "its `keys`"
        which = "the one key is none" if len(keys) == 1 else f"none of {len(keys)} keys is one"
        yield warning(
            f"{source.name}: of a sample of what the watch on {watch.table.name} finds by {by}, {which} of the query's: does"
            " it find the value that the query calls `key`?"
        )


def _sample(session: Session, watch: Resolved, rows: float) -> list[str]:
    """What capture would write of a few rows: keys, or the columns that `keys` names as JSON."""
    few = f"SELECT ({value(watch)})::text AS written FROM {_sampled(watch, rows)} WHERE {_wanted(watch)} LIMIT {SAMPLE}"
    most = KEYS if watch.key is not None else FAN_OUTS
    found = session.execute(
        f"SELECT DISTINCT s.written FROM ({few}) AS s WHERE s.written IS NOT NULL LIMIT {most}".encode()
    )
    return [written for (written,) in found.fetchall()]


def _by_way(session: Session, watch: Resolved, way: Direction, changed: Sequence[str]) -> list[str]:
    """The keys that the query's own conditions lead to from the same rows, as far as the watch keeps what that takes."""
    if way.keys is not None:
        works = runs(session, watch.table.name, way.keys)
        return _fanned_out(session, watch.table.name, way.keys, changed) if works else []
    return [str(row[way.by]) for row in map(json.loads, changed) if row.get(way.by) is not None]


def _fanned_out(session: Session, table: str, keys: str, changed: Sequence[str]) -> list[str]:
    statement = f"{fan_out_sql(table, keys, column_types(session, table, keys))} LIMIT {KEYS}".encode()
    found = [session.execute(statement, {"changed": row}).fetchall() for row in changed]
    return list(dict.fromkeys(str(key) for rows in found for (key,) in rows))


def _sampled(watch: Resolved, rows: float) -> str:
    """The table as `changed`: of a large one, blocks from all over it."""
    percent = min(100.0, 100.0 * 10 * SAMPLE / rows) if rows > 0 else 100.0
    return f"{watch.table.name} AS changed TABLESAMPLE SYSTEM ({percent:.6f})"


def _wanted(watch: Resolved) -> str:
    return f"(\n{clean_condition(watch.watch.where)})" if watch.watch.where is not None else "true"


def _returned(session: Session, plan: Plan, keys: list[str]) -> bool:
    """Whether the query returns any of these keys; one that its key's type can't hold is none of them."""
    try:
        return bool(fetch(session, plan, keys))
    except psycopg.Error as error:
        if not is_in_a_row(error):
            raise
        if len(keys) == 1:
            return error.sqlstate not in MISMATCH
    half = len(keys) // 2
    return _returned(session, plan, keys[:half]) or _returned(session, plan, keys[half:])
