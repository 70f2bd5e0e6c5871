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

from worker.config.mapping import keyless_projects
from worker.config.model import Defaults, Source
from worker.config.query import clean_query
from worker.document.build import Built, build
from worker.document.wire import envelope
from worker.errors import first_line
from worker.reading.plan import Plan, choose_plan
from worker.reading.reader import ROW_KEY
from worker.wiring import Parts


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


def check(parts: Parts, sample: int) -> Iterator[Finding | Example]:
    """What stands and what does not, source by source, with `sample` contacts of each built.

    Raises ConfigError, before all else, for a project's key that can't be used.
    """
    keyless = keyless_projects(parts.settings)
    connected = True
    for finding in _connections(parts):
        connected = connected and not finding.stops
        yield finding
    for project in parts.mapping.projects:
        problem = keyless.get(project)
        yield Finding(problem or f"Project {project}: its key is set", warns=problem is not None)
    if connected:
        for source in parts.mapping.sources.values():
            yield from _source(parts, source, sample)


def _connections(parts: Parts) -> Iterator[Finding]:
    for name, engine in (("DATABASE_URL", parts.engine), ("CRM_DATABASE_URL", parts.crm)):
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
            yield Finding(f"{name}: PostgreSQL answers")
        except DBAPIError as error:
            yield Finding(f"{name}: PostgreSQL does not answer ({first_line(error.orig or error)})", stops=True)
    if parts.settings.redis_url is not None:
        try:
            parts.redis.ping()
            yield Finding("REDIS_URL: Redis answers")
        except (RedisError, OSError) as error:
            yield Finding(f"REDIS_URL: Redis does not answer ({first_line(error)})", stops=True)
    else:
        yield Finding("REDIS_URL is not set: the worker will need it", warns=True)


def _source(parts: Parts, source: Source, sample: int) -> Iterator[Finding | Example]:
    query = clean_query(source.query)
    try:
        with parts.crm.connect() as connection:
            driver: Any = connection.connection.driver_connection
            plan = choose_plan(driver, query)
            repeated, without = _repeated(driver, query), _without_key(driver, query)
            rows = _rows(driver, query, sample)
    except (psycopg.Error, DBAPIError) as error:
        yield Finding(f"{source.name}: the query fails: {first_line(error)}", stops=True)
        return
    yield Finding(f"{source.name}: the query runs, its key is {plan.key_type}")
    yield from _plan(source, plan)
    if repeated:
        yield Finding(
            f"{source.name}: keys that come more than once: {repeated}; each becomes a dead letter", warns=True
        )
    if without:
        yield Finding(f"{source.name}: rows without a key: {without}; nobody is sent for them", warns=True)
    if isinstance(rows, psycopg.DataError):
        problem = f"a row of the sample can't be computed ({first_line(rows)}); such a contact becomes a dead letter"
        yield Finding(f"{source.name}: {problem}", warns=True)
        return
    yield from _documents(source, rows, parts.mapping.defaults)


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


def _repeated(connection: psycopg.Connection[Any], query: str) -> int:
    keys = f"SELECT FROM (\n{query}\n) AS q WHERE q.key IS NOT NULL GROUP BY q.key HAVING count(*) > 1"
    return _count(connection, f"SELECT count(*) FROM ({keys}) AS r")


def _without_key(connection: psycopg.Connection[Any], query: str) -> int:
    return _count(connection, f"SELECT count(*) FROM (\n{query}\n) AS q WHERE q.key IS NULL")


def _count(connection: psycopg.Connection[Any], statement: str) -> int:
    row = connection.execute(statement.encode()).fetchone()
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
        yield Example(f"/minicrm/{source.method.value}/sync", source.project, pretty)
