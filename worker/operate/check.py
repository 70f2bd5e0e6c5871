"""Check: settings, connections, mapping; builds some contacts, and posts nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from worker.capture.proof import explain_keys
from worker.capture.tables import find_tables, watched_table
from worker.config.mapping import keyless_projects
from worker.config.model import Defaults, Source
from worker.config.query import clean_query
from worker.document.build import Built, build, columns_read
from worker.document.wire import envelope, path
from worker.errors import ConfigError, first_line
from worker.read.plan import TRIAL_KEYS, Plan, choose_plan
from worker.read.reader import ROW_KEY, fetch
from worker.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Finding:
    """A line for the person: a problem that `stops` a source, a warning, or a fact."""

    text: str
    stops: bool = False
    warns: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """A finished request, as it would be posted."""

    path: str
    project: int
    body: str


def check(wiring: Wiring, sample: int) -> Iterator[Finding | Example]:
    """What stands and what does not, source by source, with `sample` contacts of each built.

    Raises ConfigError, before all else, for a project's key, a proxy or a file of certificates that can't be used.
    """
    keyless, proxy = keyless_projects(wiring.settings), wiring.network.proxy
    connected = True
    for finding in _connections(wiring):
        connected = connected and not finding.stops
        yield finding
    if proxy is not None:
        yield Finding(f"The API is reached through the proxy {proxy.host}:{proxy.port}")
    for project in wiring.mapping.projects:
        problem = keyless.get(project)
        yield Finding(problem or f"Project {project}: its key is set", warns=problem is not None)
    if connected:
        for source in wiring.mapping.sources.values():
            yield from _source(wiring, source, sample)


def _connections(wiring: Wiring) -> Iterator[Finding]:
    for name, engine in (("DATABASE_URL", wiring.engine), ("CRM_DATABASE_URL", wiring.crm)):
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
            yield Finding(f"{name}: PostgreSQL answers")
        except DBAPIError as error:
            yield Finding(f"{name}: PostgreSQL does not answer ({first_line(error.orig or error)})", stops=True)
    if wiring.settings.redis_url is not None:
        try:
            wiring.redis.ping()
            yield Finding("REDIS_URL: Redis answers")
        except (RedisError, OSError) as error:
            yield Finding(f"REDIS_URL: Redis does not answer ({first_line(error)})", stops=True)
    else:
        yield Finding("REDIS_URL is not set: the worker will need it", warns=True)


def _source(wiring: Wiring, source: Source, sample: int) -> Iterator[Finding | Example]:
    try:
        with wiring.crm.connect() as connection:
            driver: Any = connection.connection.driver_connection
            seen = _look(driver, clean_query(source.query), sample)
            unreadable, watches = _by_key(driver, source, seen), list(_watches(driver, source))
    except (psycopg.Error, DBAPIError) as error:
        yield Finding(f"{source.name}: the query fails: {first_line(error)}", stops=True)
        return
    yield Finding(f"{source.name}: the query runs, its key is {seen.plan.key_type}")
    yield from unreadable
    yield from watches
    yield from _plan(source, seen.plan)
    yield from _columns(source, seen.columns)
    yield from _keys(source, seen)
    if isinstance(seen.rows, psycopg.DataError):
        problem = (
            f"a row of the sample can't be computed ({first_line(seen.rows)}); such a contact becomes a dead letter"
        )
        yield Finding(f"{source.name}: {problem}", warns=True)
        return
    yield from _documents(source, seen.rows, wiring.mapping.defaults)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What PostgreSQL says of a query. Where it is an error, a row can't be computed, which stops nobody else."""

    plan: Plan
    columns: list[str]
    repeated: int | psycopg.DataError
    without_key: int | psycopg.DataError
    rows: list[dict[str, Any]] | psycopg.DataError


def _look(connection: psycopg.Connection[Any], query: str, sample: int) -> _Seen:
    """Ask all there is to ask of a query. Raises psycopg.Error where it fails whoever is asked for."""
    plan = choose_plan(connection, query)
    described = connection.execute(f"SELECT * FROM (\n{query}\n) AS q LIMIT 0".encode()).description or []
    return _Seen(
        plan=plan,
        columns=[column.name for column in described],
        repeated=_repeated(connection, query),
        without_key=_without_key(connection, query),
        rows=_rows(connection, query, sample),
    )


def _by_key(connection: psycopg.Connection[Any], source: Source, seen: _Seen) -> list[Finding]:
    """A few contacts, read as the worker reads them."""
    rows = [] if isinstance(seen.rows, psycopg.DataError) else seen.rows
    try:
        fetch(connection, seen.plan, [str(row[ROW_KEY]) for row in rows[:TRIAL_KEYS]])
    except psycopg.DataError:
        return []
    except psycopg.Error as error:
        return [Finding(f"{source.name}: no contact can be read by its key: {first_line(error)}", stops=True)]
    return []


def _watches(connection: psycopg.Connection[Any], source: Source) -> Iterator[Finding]:
    """The `keys` SELECTs of the watches; one that fails pauses the project."""
    for watch in source.watches:
        if watch.keys is None:
            continue
        try:
            explain_keys(
                connection, watched_table(find_tables(connection, [watch.table]), source, watch).name, watch.keys
            )
        except ConfigError as error:
            yield Finding(f"{source.name}: {error}", warns=True)
        except psycopg.Error as error:
            yield Finding(f"{source.name}: `keys` of the watch on {watch.table} fails: {first_line(error)}", stops=True)


def _columns(source: Source, columns: list[str]) -> Iterator[Finding]:
    """Columns that no document is made from: their names are misspelt, or small because nobody quoted them."""
    known = {name.lower(): name for name in columns_read(source.method)}
    unknown = [name for name in columns if name not in known.values()]
    if unknown:
        told = [
            f'{name} (write it in quotes: AS "{known[name.lower()]}")' if name.lower() in known else name
            for name in unknown
        ]
        yield Finding(f"{source.name}: columns that the API does not know are not sent: {', '.join(told)}", warns=True)


def _keys(source: Source, seen: _Seen) -> Iterator[Finding]:
    for count in (seen.repeated, seen.without_key):
        if isinstance(count, psycopg.DataError):
            problem = f"a row can't be computed ({first_line(count)}): `backfill`, which needs them all, fails"
            yield Finding(f"{source.name}: {problem}", warns=True)
            return
    if seen.repeated:
        yield Finding(
            f"{source.name}: keys that come more than once: {seen.repeated}; each becomes a dead letter", warns=True
        )
    if seen.without_key:
        yield Finding(f"{source.name}: rows without a key: {seen.without_key}; nobody is sent for them", warns=True)


def _plan(source: Source, plan: Plan) -> Iterator[Finding]:
    if plan.one_by_one:
        yield Finding(
            f"{source.name}: for five keys PostgreSQL would read {plan.rows_many} rows, for one key {plan.rows_single}; so keys are"
            " read one by one. Correlated sub-selects or LATERAL instead of a joined aggregate are faster",
            warns=True,
        )


def _rows(connection: psycopg.Connection[Any], query: str, sample: int) -> list[dict[str, Any]] | psycopg.DataError:
    """Rows with a key; the error where one of them can't be computed, which stops nobody else."""
    statement = (
        f"SELECT q.key::text AS {ROW_KEY}, q.* FROM (\n{query}\n) AS q WHERE q.key IS NOT NULL LIMIT {int(sample)}"
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        try:
            return cursor.execute(statement.encode()).fetchall()
        except psycopg.DataError as error:
            return error


def _repeated(connection: psycopg.Connection[Any], query: str) -> int | psycopg.DataError:
    keys = f"SELECT FROM (\n{query}\n) AS q WHERE q.key IS NOT NULL GROUP BY q.key HAVING count(*) > 1"
    return _count(connection, f"SELECT count(*) FROM ({keys}) AS r")


def _without_key(connection: psycopg.Connection[Any], query: str) -> int | psycopg.DataError:
    return _count(connection, f"SELECT count(*) FROM (\n{query}\n) AS q WHERE q.key IS NULL")


def _count(connection: psycopg.Connection[Any], statement: str) -> int | psycopg.DataError:
    try:
        row = connection.execute(statement.encode()).fetchone()
    except psycopg.DataError as error:
        return error
    return int(row[0]) if row else 0


def _documents(source: Source, rows: list[dict[str, Any]], defaults: Defaults) -> Iterator[Finding | Example]:
    built = []
    for row in rows:
        key = str(row[ROW_KEY])
        document = build(row, key=key, source=source, defaults=defaults)
        if isinstance(document, Built):
            built.append(document)
            if document.dropped:
                yield Finding(
                    f"{source.name}: key {key}: numbers or addresses that are left out: {document.dropped}", warns=True
                )
        else:
            yield Finding(f"{source.name}: key {key}: {document.reason}: {document.detail}", warns=True)
    yield Finding(f"{source.name}: of a sample of {len(rows)}, {len(built)} can be sent")
    if built:
        body = envelope(source.method, [built[0].body]).decode()
        pretty = json.dumps(json.loads(body), ensure_ascii=False, indent=2)
        yield Example(path(source.method), source.project, pretty)
