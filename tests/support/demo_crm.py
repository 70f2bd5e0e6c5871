"""A demo CRM for the tests that look into it, and what its mapping says of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import psycopg
from psycopg.rows import dict_row

from worker.config.mapping import load_mapping
from worker.config.query import clean_query
from worker.config.settings import load_settings
from worker.document.build import Built, Invalid, build
from worker.local.demo import MAPPING, install
from worker.local.demo.crm import MOST_CONTACTS, Crm
from worker.read.plan import choose_plan

mapping = load_mapping(load_settings({"SYNC_CONFIG": str(MAPPING), "RINGOSTAT_PROJECT_ID": "106"}), need_keys=False)


@contextmanager
def installed(url: str, *, size: int = 200, most_contacts: int = MOST_CONTACTS) -> Iterator[Crm]:
    """A CRM of so many contacts, always the same ones, on a connection that commits each statement."""
    install(url, contacts=size, dice=Random(1))
    with psycopg.connect(url, autocommit=True) as connection:
        yield Crm(connection, Random(2), most_contacts)


def mapped(crm: Crm, source: str) -> list[dict[str, Any]]:
    """All rows of a source's query."""
    with crm.connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_query(source)).fetchall()


def read(crm: Crm, source: str, key: int) -> dict[str, Any] | None:
    """The row of one key, by the statement that the worker uses."""
    with crm.connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(choose_plan(crm.connection, _query(source)).many, [[key]]).fetchone()


def documents(crm: Crm) -> dict[tuple[str, str], Built | Invalid]:
    """What would be sent, by source and key."""
    return {
        (name, key): build(row, key=key, source=source, defaults=mapping.defaults)
        for name, source in mapping.sources.items()
        for row in mapped(crm, name)
        for key in [str(row["key"])]
    }


def plan(crm: Crm, source: str, keys: list[int]) -> str:
    """How PostgreSQL reads a few keys, in words."""
    statement = f"EXPLAIN SELECT * FROM (\n{_query(source)}\n) q WHERE q.key = ANY('{{{str(keys)[1:-1]}}}'::bigint[])"
    return "\n".join(line for (line,) in crm.connection.execute(statement))


def counted(crm: Crm) -> dict[str, int]:
    """How many rows each table holds."""
    tables = ("staff", "companies", "contacts", "phones", "emails", "leads", "deals", "calls")
    return {table: crm.count(table) for table in tables}


def _query(source: str) -> str:
    return clean_query(mapping.sources[source].query)
